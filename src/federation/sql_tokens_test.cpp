// What is found in the text of a statement.
#include "federation/sql_tokens.h"

#include <gmock/gmock.h>

#include "federation/cypher_columns.h"
#include "federation/explain_prefix.h"
#include "federation/function_calls.h"
#include "federation/query.h"

namespace triune::federation {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> texts_of(std::string_view sql) {
  std::vector<std::string> texts;
  for (const auto& token : sql_tokens(sql)) texts.emplace_back(token.text);
  return texts;
}

std::vector<std::string> calls_in(std::string_view sql) {
  std::vector<std::string> calls;
  for (const auto& call : find_calls(sql, function_names()))
    calls.emplace_back(sql.substr(call.begin, call.end - call.begin));
  return calls;
}

TEST(SqlTokens, LeaveOutCommentsAndKeepQuotesWhole) {
  EXPECT_THAT(texts_of("SELECT 'it''s -- no', \"a \"\"b\"\"\" -- cypher('x')\n/* , */ , [c d] + ?12"),
              ElementsAre("SELECT", "'it''s -- no'", ",", "\"a \"\"b\"\"\"", ",", "[c d]", "+", "?12"));
  EXPECT_THAT(texts_of("1.5e-3x $tag$ ' $tag$ x'ab'"), ElementsAre("1.5e-3x", "$tag$ ' $tag$", "x", "'ab'"));
  EXPECT_THAT(texts_of("'never ends"), ElementsAre("'never ends"));
  EXPECT_EQ(sql_tokens("'it''s'")[0].literal(), "it's");
}

TEST(SqlTokens, FollowTheSpellingOfTheEngine) {
  const auto count = [](std::string_view text, Spelling spelling) { return sql_tokens(text, spelling).size(); };
  EXPECT_EQ(count("E'it\\'s'", Spelling::postgres), 1U);
  EXPECT_EQ(count("'a\\' b", Spelling::postgres), 2U);
  EXPECT_EQ(count("'it\\'s' \"a\\\"b\"", Spelling::cypher), 2U);
  EXPECT_EQ(count("'never ends\\", Spelling::cypher), 1U);
  EXPECT_EQ(count("ARRAY[?1, 2]", Spelling::postgres), 6U);
  EXPECT_EQ(count("[a, b]", Spelling::sqlite), 1U);
  EXPECT_EQ(count("()--() // to the end", Spelling::cypher), 6U);
  EXPECT_EQ(count("()--() // to the end", Spelling::sqlite), 2U);
}

TEST(FunctionCalls, AreFoundWhereATableMayStand) {
  EXPECT_THAT(calls_in("SELECT * FROM Cypher('RETURN 1 AS a') c JOIN vector_search('m', '[1,(2)]', f(1, 2)) v ON 1"),
              ElementsAre("Cypher('RETURN 1 AS a')", "vector_search('m', '[1,(2)]', f(1, 2))"));
  EXPECT_THAT(calls_in("SELECT 1 WHERE x IN neighbors('A/1')"), ElementsAre("neighbors('A/1')"));
  EXPECT_THAT(calls_in("SELECT 1 FROM t, text_search('a', 'b', 1)"), ElementsAre("text_search('a', 'b', 1)"));
}

TEST(FunctionCalls, AreNotSeenInTextsCommentsColumnsAndTables) {
  for (const auto* const sql :
       {"SELECT 'FROM cypher(1)'", "SELECT 1 -- FROM cypher(1)\n", "SELECT \"cypher\" FROM neighbors",
        "INSERT INTO neighbors (a) VALUES (1)", "CREATE TABLE cypher (a)", "SELECT t.cypher FROM t"})
    EXPECT_FALSE(is_federated(sql, Spelling::sqlite)) << sql;
}

TEST(FunctionCalls, TellArgumentsAndAliases) {
  const std::string_view sql =
      "SELECT * FROM cypher('q', json_object('a', t.b)) AS c WHERE x IN cypher('r') ORDER BY 1";
  const auto calls = find_calls(sql, function_names());
  ASSERT_EQ(calls.size(), 2U);
  EXPECT_EQ(calls[0].arguments.size(), 2U);
  EXPECT_TRUE(calls[0].has_alias);
  EXPECT_FALSE(calls[0].stands_as_set);
  EXPECT_FALSE(calls[1].has_alias);
  EXPECT_TRUE(calls[1].stands_as_set);
}

TEST(CypherColumns, AreAliasesAndExpressionsAsWritten) {
  EXPECT_THAT(*cypher_columns("MATCH (a) RETURN a.id, a.name AS name, count( * ) ORDER BY a.id LIMIT 3"),
              ElementsAre("a.id", "name", "count( * )"));
  EXPECT_THAT(*cypher_columns("MATCH (a) RETURN DISTINCT a.id AS `the id`, [1,2] AS l, {x: 1, y: a.b} AS m"),
              ElementsAre("the id", "l", "m"));
  EXPECT_THAT(*cypher_columns("MATCH (a) RETURN a.id, a.id"), ElementsAre("a.id", "a.id:2"));
  EXPECT_THAT(*cypher_columns("RETURN 'return x' AS t UNION ALL RETURN 'y' AS t"), ElementsAre("t"));
}

TEST(CypherColumns, OfWhatDoesNotNameThemAreAnError) {
  EXPECT_THAT(cypher_columns("MATCH (a) RETURN *").error().message, HasSubstr("name them"));
  EXPECT_THAT(cypher_columns("MATCH (a)").error().message, HasSubstr("no RETURN"));
  EXPECT_FALSE(cypher_columns("RETURN a,,b"));
  EXPECT_FALSE(cypher_columns("RETURN"));
  EXPECT_FALSE(cypher_columns(""));
}

TEST(SqlTokens, AStarBehindTheBeginningOfACommentDoesNotEndIt) {
  EXPECT_EQ(sql_tokens("SELECT /*/ secret */ 1").size(), 2U);
  EXPECT_EQ(sql_tokens("SELECT /**/ 1").size(), 2U);
  EXPECT_EQ(sql_tokens("SELECT /*/").size(), 1U);
}

TEST(ExplainPrefix, IsTakenOffAndOthersExplainsAreLeftAlone) {
  EXPECT_EQ(explain_request("explain SELECT 1")->statement, "SELECT 1");
  EXPECT_TRUE(explain_request("EXPLAIN ANALYZE SELECT 1")->analyze);
  const auto both = explain_request("EXPLAIN (FORMAT JSON, ANALYZE) SELECT 1");
  ASSERT_TRUE(both);
  EXPECT_TRUE(both->analyze && both->json);
  EXPECT_FALSE(explain_request("EXPLAIN QUERY PLAN SELECT 1"));
  EXPECT_FALSE(explain_request("EXPLAIN (BUFFERS) SELECT 1"));
  EXPECT_FALSE(explain_request("SELECT 1"));
}

}  // namespace
}  // namespace triune::federation
