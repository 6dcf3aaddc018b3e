// What PostgreSQL's grammar says of statements that call, and which rows a call's arguments come from.
#include "federation/postgres_statement.h"

#include <gmock/gmock.h>

#include "federation/catalogue.h"
#include "federation/outer_rows.h"

namespace triune::federation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// "WITH | FROM; FROM | WHERE; WHERE" of the rows that the arguments of the last call come from.
std::string rows_of(std::string_view sql) {
  const auto calls = find_calls(sql, function_names(), Spelling::postgres);
  const auto statement = PostgresStatement::parse(sql, calls, PostgresStatement::Text::statement);
  if (!statement) return statement.error().message;
  const auto& call = calls.back();
  std::vector<const ColumnUse*> columns;
  for (const auto& argument : call.arguments)
    for (const auto* const column : statement->columns_in({argument.front().offset, argument.back().end()}))
      columns.push_back(column);
  const auto rows = outer_rows(sql_tokens(sql, Spelling::postgres), *statement, calls, call, columns);
  if (!rows) return "none";
  const auto text = [&](const TextRange& range) {
    return std::string(sql.substr(range.begin, range.end - range.begin));
  };
  std::string result = rows->with ? text(*rows->with) + " | " : "";
  for (const auto& from : rows->from) result += (&from == rows->from.data() ? "" : "; ") + text(from);
  for (const auto& where : rows->where) result += (&where == rows->where.data() ? " | " : "; ") + text(where);
  return result;
}

TEST(OuterRows, AreWhatStandsBeforeTheCall) {
  EXPECT_EQ(rows_of("SELECT 1 FROM a, neighbors(a.id) n"), "a");
  EXPECT_EQ(rows_of("SELECT 1 FROM a x JOIN b ON b.k = x.k LEFT JOIN LATERAL neighbors(x.id) n ON true"),
            "a x JOIN b ON b.k = x.k");
  EXPECT_EQ(rows_of("SELECT 1 FROM a, b, c, neighbors(c.id) n, d"), "c");
  EXPECT_EQ(rows_of("SELECT 1 FROM a, LATERAL (SELECT a.x AS id) b, neighbors(b.id) n"),
            "a; LATERAL (SELECT a.x AS id) b");
  EXPECT_EQ(rows_of("SELECT 1 FROM a, b, neighbors(id) n"), "a; b");
  EXPECT_EQ(rows_of("SELECT 1 FROM (a CROSS JOIN neighbors(a.id) n)"), "none");
  EXPECT_EQ(rows_of("SELECT 1 UNION SELECT 2 FROM a, neighbors(a.id) n WHERE a.k = 1 UNION SELECT 3 FROM b"),
            "a | a.k = 1");
}

TEST(OuterRows, AreThoseOfTheSelectsAround) {
  EXPECT_EQ(rows_of("SELECT (SELECT count(*) FROM neighbors(a.id)) FROM a WHERE a.k = 1"), "a | a.k = 1");
  EXPECT_EQ(rows_of("SELECT 1 FROM a WHERE a.id IN (SELECT id FROM b, neighbors(a.id) n WHERE b.k = 2)"), "a");
  EXPECT_EQ(rows_of("SELECT 1 FROM a WHERE a.id IN (SELECT id FROM b, neighbors(a.id || b.id) n WHERE b.k = 2)"),
            "a; b | b.k = 2");
  EXPECT_EQ(rows_of("SELECT 1 FROM a WHERE EXTRACT(year FROM a.t) = 1 AND a.id IN neighbors(a.id)"),
            "a | EXTRACT(year FROM a.t) = 1");
  EXPECT_EQ(rows_of("WITH w AS (SELECT 1 AS id), v AS (SELECT 2) SELECT 1 FROM w, neighbors(w.id) n"),
            "WITH w AS (SELECT 1 AS id), v AS (SELECT 2) | w");
  EXPECT_EQ(rows_of("WITH w AS (SELECT 1 AS id), v AS (SELECT n.id FROM w, neighbors(w.id) n) SELECT 1 FROM v"),
            "WITH w AS (SELECT 1 AS id) | w");
}

TEST(OuterRows, TakeOnlyConditionsThatCannotMissARow) {
  EXPECT_EQ(
      rows_of("SELECT 1 FROM a, neighbors(a.id) n WHERE a.x = 1 AND n.id = a.y AND z = 2 AND a.b IS DISTINCT FROM 3"),
      "a | a.x = 1; a.b IS DISTINCT FROM 3");
  EXPECT_EQ(rows_of("SELECT 1 FROM a, neighbors(a.id) n WHERE a.x = 1 OR n.id = ''"), "a");
  EXPECT_EQ(rows_of("SELECT 1 FROM a, neighbors(a.id) n WHERE a.x BETWEEN 1 AND 2 AND a.y = 3"), "a");
  EXPECT_EQ(rows_of("SELECT 1 FROM a CROSS JOIN neighbors(a.id) n RIGHT JOIN b ON true WHERE a.x IS NULL"), "a");
  EXPECT_EQ(rows_of("SELECT 1 FROM a, neighbors(a.id) n WHERE a.x IN (SELECT b.x FROM b) GROUP BY a.y"), "a");
}

TEST(PostgresStatement, TellsTablesFromOtherCalls) {
  const std::string_view sql = "SELECT length(a.id), a.b FROM a, neighbors('x/' || a.id) WHERE a.id IN neighbors('é')";
  const auto calls = find_calls(sql, function_names(), Spelling::postgres);
  const auto statement = PostgresStatement::parse(sql, calls, PostgresStatement::Text::statement);
  ASSERT_TRUE(statement) << statement.error().message;
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_TRUE(statement->is_table(calls[0].begin));
  EXPECT_TRUE(statement->is_table(calls[1].begin));
  EXPECT_FALSE(statement->is_table(7));
  EXPECT_TRUE(statement->is_call(7));
  EXPECT_THAT(statement->items_in({0, sql.size()}), ElementsAre("a", "neighbors"));
  const auto columns = statement->columns_in({calls[0].begin, calls[0].end});
  ASSERT_EQ(columns.size(), 1U);
  EXPECT_EQ(sql.substr(columns[0]->offset, 4), "a.id");
}

std::string repeated(std::string_view unit, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += unit;
  return text;
}

TEST(PostgresStatement, RefusesWhatIsNestedTooDeep) {
  const auto refusal = [](const std::string& sql) {
    const auto statement = PostgresStatement::parse(sql, {}, PostgresStatement::Text::statement);
    return statement ? std::string() : statement.error().message;
  };
  for (const auto* const unit : {"+1", "::int", " UNION SELECT 1", " IS NULL"})
    EXPECT_THAT(refusal("SELECT 1" + repeated(unit, 200'000)), HasSubstr("at most 5000 words")) << unit;
  EXPECT_THAT(refusal("SELECT 1 -- a comment\r" + repeated("+1", 200'000)), HasSubstr("at most 5000 words"));
  EXPECT_THAT(refusal("SELECT 1" + repeated("+1", 4'000)), HasSubstr("nested too deep"));
  EXPECT_NE(refusal("SELECT " + repeated("(", 4'000) + "1" + repeated(")", 900)), "");
  EXPECT_EQ(refusal("SELECT 1" + repeated("||'a'", 300)), "");
  EXPECT_EQ(refusal("SELECT 1 IN (0" + repeated(", 1", 100'000) + ")"), "");
}

TEST(PostgresStatement, RefusesWithThePlaceInTheTextThatWasGiven) {
  const std::string_view sql = "SELECT 1 FROM a WHERE a.id IN neighbors('é') AND AND";
  const auto calls = find_calls(sql, function_names(), Spelling::postgres);
  const auto refused = PostgresStatement::parse(sql, calls, PostgresStatement::Text::statement);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message,
              HasSubstr("syntax error at or near \"AND\", at byte 51 of the statement, near `AND`"));
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_TRUE(PostgresStatement::parse("a = 1 -- all", {}, PostgresStatement::Text::predicate));
  const auto predicate = PostgresStatement::parse("a = ", {}, PostgresStatement::Text::predicate);
  ASSERT_FALSE(predicate);
  EXPECT_THAT(predicate.error().message, HasSubstr("syntax error"));
}

}  // namespace
}  // namespace triune::federation
