// The interactive queries of LDBC's social network benchmark on its smallest data set, with the rows expected.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "oracle/loaded_hive.h"

namespace triune::testing {
namespace {

std::vector<OracleStatement> all_statements() {
  auto statements = read_statements("ldbc/ldbc_interactive/interactive_short.test");
  const auto complex = read_statements("ldbc/ldbc_interactive/interactive_complex.test");
  statements.insert(statements.end(), complex.begin(), complex.end());
  return statements;
}

class Ldbc : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    statements_ = all_statements();
    const auto tables = read_tables("ldbc-sf01");
    auto names = mentioned(tables, statements_);
    for (const auto& table : tables)
      if (!table.is_edge()) names.insert(table.name);
    loaded_ = std::make_unique<LoadedHive>("ldbc-sf01", names);
  }
  static void TearDownTestSuite() { loaded_.reset(); }

  static inline std::vector<OracleStatement> statements_;
  static inline std::unique_ptr<LoadedHive> loaded_;
};

/// Ids are numbers there and texts here: what is compared with an id becomes a text, what is read of one a number, so
/// that it also sorts as one.
std::string in_our_types(std::string statement) {
  statement = std::regex_replace(statement, std::regex(R"(\{\s*id:\s*(\d+)\s*\})"), "{id: '$1'}");
  statement = std::regex_replace(statement, std::regex(R"(\{\s*id:\s*([a-zA-Z]\w*)\s*\})"), "{id: CAST($1 AS STRING)}");
  return std::regex_replace(statement, std::regex(R"(\b([a-zA-Z]\w*)\.id\b)"), "CAST($1.id AS INT64)");
}

/// As rows of SQL have them: a truth value is a number there.
std::vector<std::string> as_sql_has(std::vector<std::string> rows) {
  for (auto& row : rows) row = std::regex_replace(row, std::regex(R"(\|True$)"), "|1");
  return rows;
}

std::vector<std::string> sorted(std::vector<std::string> rows) {
  std::sort(rows.begin(), rows.end());
  return rows;
}

TEST_F(Ldbc, EveryStatementReturnsTheRowsThatAreExpected) {
  EXPECT_EQ(statements_.size(), 17U);
  for (const auto& statement : statements_) {
    if (statement.any_rows) continue;
    const auto sql = federated(in_our_types(statement.text));
    const auto rows = loaded_->rows(sql);
    const auto expected = as_sql_has(statement.rows);
    const bool ordered = statement.ordered || sql.find(") ORDER BY") != std::string::npos;
    EXPECT_EQ(ordered ? rows : sorted(rows), ordered ? expected : sorted(expected)) << statement.name << "\n" << sql;
  }
}

/// "MATCH (n) RETURN n", which need only succeed.
TEST_F(Ldbc, TheWholeGraphIsAnAnswer) {
  const auto whole =
      std::find_if(statements_.begin(), statements_.end(), [](const OracleStatement& one) { return one.any_rows; });
  ASSERT_NE(whole, statements_.end());
  EXPECT_EQ(loaded_->rows("SELECT count(*), count(DISTINCT n ->> 'id') > 100000 FROM cypher('" + whole->text + "')"),
            loaded_->rows("SELECT count(*), 1 FROM triune_nodes"));
}

}  // namespace
}  // namespace triune::testing
