// The interactive queries of LDBC's social network benchmark on its smallest data set, with the rows expected.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
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

/// As rows of SQL have them: a truth value is a number in SQLite.
std::vector<std::string> as_sql_has(std::vector<std::string> rows) {
  for (auto& row : rows) row = std::regex_replace(row, std::regex(R"(\|True$)"), on_postgres() ? "|true" : "|1");
  return rows;
}

std::vector<std::string> sorted(std::vector<std::string> rows) {
  std::sort(rows.begin(), rows.end());
  return rows;
}

/// `n.properties ->> 'a', n.properties ->> 'b'`
std::string properties(const std::string& alias, const std::vector<std::string>& names) {
  std::string list;
  for (const auto& name : names) list += (list.empty() ? "" : ", ") + property(alias, name);
  return list;
}

/// A CTE of both relations, from Post and from Comment.
std::string both(const std::string& name, const std::string& of_posts, const std::string& of_comments) {
  return fmt::format("{} AS (SELECT a, b FROM {} x UNION ALL SELECT a, b FROM {} y)", name, edges(of_posts),
                     edges(of_comments));
}

std::string messages() {
  return fmt::format(
      "message AS (SELECT node, id, properties FROM {} x UNION ALL SELECT node, id, properties FROM {} y)",
      nodes("Post"), nodes("Comment"));
}

/// Up to two steps from a comment to what it answers.
const std::string answered =
    "answered AS (SELECT a, b FROM reply UNION ALL SELECT x.a, y.b FROM reply x JOIN reply y ON y.a = x.b)";

/// The interactive short reads without the graph engine: the rows of nodes and edges alone.
std::map<std::string, std::string> short_reads() {
  const auto content = fmt::format("coalesce({}, {})", property("m", "imageFile"), property("m", "content"));
  const auto creators = both("creator", "Post_hasCreator", "Comment_hasCreator");
  const auto replies = both("reply", "replyOf_Post", "replyOf_Comment");
  const auto acquaintances = fmt::format(
      "known AS (SELECT a, b, properties FROM {0} x UNION ALL SELECT b, a, properties FROM {0} y)", edges("knows"));
  return {
      {"IS1",
       fmt::format(
           "SELECT {}, p.id, {} FROM {} n JOIN {} l ON l.a = n.node JOIN {} p ON p.node = l.b WHERE n.id = '933' "
           "AND {} = 'City'",
           properties("n", {"firstName", "lastName", "birthday", "locationIP", "browserUsed"}),
           properties("n", {"gender", "creationDate"}), nodes("Person"), edges("Person_isLocatedIn"), nodes("Place"),
           property("p", "label"))},
      {"IS2",
       fmt::format("WITH {0}, {1}, {2}, {3}, m AS (SELECT message.* FROM {4} person JOIN creator ON creator.b = "
                   "person.node JOIN message ON message.node = creator.a WHERE person.id = '21990232555803' ORDER BY "
                   "CAST({5} AS bigint) DESC, CAST(message.id AS bigint) LIMIT 10) SELECT m.id, {6}, {7}, post.id, "
                   "author.id, {8} FROM m JOIN answered ON answered.a = m.node JOIN {9} post ON post.node = answered.b "
                   "JOIN {10} c ON c.a = post.node JOIN {4} author ON author.node = c.b ORDER BY CAST({7} AS bigint) "
                   "DESC, CAST(m.id AS bigint)",
                   messages(), creators, replies, answered, nodes("Person"), property("message", "creationDate"),
                   content, property("m", "creationDate"), properties("author", {"firstName", "lastName"}),
                   nodes("Post"), edges("Post_hasCreator"))},
      {"IS3",
       fmt::format("WITH {} SELECT f.id, {}, {} FROM {} n JOIN known k ON k.a = n.node JOIN {} f ON f.node = k.b WHERE "
                   "n.id = '1129' ORDER BY CAST({} AS bigint) DESC, CAST(f.id AS bigint)",
                   acquaintances, properties("f", {"firstName", "lastName"}), property("k", "creationDate"),
                   nodes("Person"), nodes("Person"), property("k", "creationDate"))},
      {"IS4", fmt::format("WITH {} SELECT {}, coalesce({}, {}) FROM message m WHERE m.id = '481036337190'", messages(),
                          property("m", "creationDate"), property("m", "content"), property("m", "imageFile"))},
      {"IS5", fmt::format(
                  "WITH {}, {} SELECT p.id, {} FROM message m JOIN creator c ON c.a = m.node JOIN {} p ON p.node = c.b "
                  "WHERE m.id = '1030792151050'",
                  messages(), creators, properties("p", {"firstName", "lastName"}), nodes("Person"))},
      {"IS6",
       fmt::format("WITH {}, {} SELECT f.id, {}, p.id, {} FROM {} m JOIN answered ON answered.a = m.node JOIN {} k ON "
                   "k.b = answered.b JOIN {} f ON f.node = k.a JOIN {} h ON h.a = f.node JOIN {} p ON p.node = h.b "
                   "WHERE m.id = '962072675825'",
                   replies, answered, property("f", "title"), properties("p", {"firstName", "lastName"}),
                   nodes("Comment"), edges("containerOf"), nodes("Forum"), edges("hasModerator"), nodes("Person"))},
      {"IS7",
       fmt::format(
           "WITH {}, {}, {}, {} SELECT c.id, {}, p.id, {}, CASE WHEN EXISTS (SELECT 1 FROM creator a JOIN known "
           "k ON k.a = a.b WHERE a.a = m.node AND k.b = p.node) THEN 'True' ELSE 'False' END FROM message m JOIN "
           "reply r ON r.b = m.node JOIN {} c ON c.node = r.a JOIN {} w ON w.a = c.node JOIN {} p ON p.node = "
           "w.b WHERE m.id = '962072971887'",
           messages(), creators, replies, acquaintances, properties("c", {"content", "creationDate"}),
           properties("p", {"firstName", "lastName"}), nodes("Comment"), edges("Comment_hasCreator"),
           nodes("Person"))}};
}

TEST_F(Ldbc, EveryShortReadReturnsTheSameFromTheRowsAlone) {
  std::size_t compared = 0;
  for (const auto& [name, sql] : short_reads()) {
    const auto statement =
        std::find_if(statements_.begin(), statements_.end(), [&](const auto& one) { return one.name == name; });
    ASSERT_NE(statement, statements_.end()) << name;
    const bool ordered = sql.find("ORDER BY", sql.rfind(") SELECT")) != std::string::npos;
    const auto rows = loaded_->rows(sql);
    EXPECT_EQ(ordered ? rows : sorted(rows), ordered ? statement->rows : sorted(statement->rows)) << name << "\n"
                                                                                                  << sql;
    ++compared;
  }
  EXPECT_EQ(compared, 7U);
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
  EXPECT_EQ(loaded_->rows("SELECT count(*), CAST(count(DISTINCT n ->> 'id') > 100000 AS integer) FROM cypher('" +
                          whole->text + "')"),
            loaded_->rows("SELECT count(*), 1 FROM triune_nodes"));
}

}  // namespace
}  // namespace triune::testing
