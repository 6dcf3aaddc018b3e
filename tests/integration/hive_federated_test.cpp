// One statement over three engines: what it returns, what it refuses, how it tells what it did.
#include <gmock/gmock.h>

#include <array>
#include <cstring>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string as_text(const RowSet& rows) {
  std::string text;
  for (const auto& row : rows.rows) {
    std::string line;
    for (const auto& value : row) line += (line.empty() ? "" : " ") + to_text(value);
    text += (text.empty() ? "" : " | ") + line;
  }
  return text;
}

class Federated : public testing::HiveTest {
 protected:
  void SetUp() override {
    HiveTest::SetUp();
    run("CREATE TABLE agents (id TEXT PRIMARY KEY, role TEXT, level INTEGER)");
    run("CREATE TABLE notes (id TEXT PRIMARY KEY, author TEXT, body TEXT)");
    ASSERT_TRUE(hive_->map_nodes({.table = "agents", .label = "Agent", .properties = {"role", "level"}}));
    ASSERT_TRUE(hive_->create_text_index({.name = "bodies", .table = "notes", .columns = {"body"}}));
    ASSERT_TRUE(
        hive_->create_collection({.name = "memories", .dimension = 2, .metric = Metric::l2, .owner_table = "notes"}));
    run("INSERT INTO agents VALUES ('ada', 'reviewer', 3), ('bob', 'coder', 1), ('cem', 'coder', 2), ('dot', 'lead', "
        "5)");
    run("INSERT INTO notes VALUES ('n1', 'ada', 'the lock is taken twice'), ('n2', 'bob', 'a lock free queue'), "
        "('n3', 'cem', 'nothing to see'), ('n4', 'dot', 'the queue is bounded')");
    std::vector<Change> changes;
    for (const auto& [from, to] : {std::pair("ada", "bob"), {"bob", "cem"}, {"cem", "dot"}})
      changes.emplace_back(PutEdge{{"KNOWS", {"Agent", from}, {"Agent", to}}, {}});
    for (int i = 1; i <= 4; ++i)
      changes.emplace_back(PutVector{.collection = "memories",
                                     .id = "n" + std::to_string(i),
                                     .values = {static_cast<float>(i), 0},
                                     .metadata = {{"kind", i % 2 == 0 ? "even" : "odd"}}});
    commit(std::move(changes));
  }

  void run(std::string_view sql) {
    const auto done = hive_->sql(sql);
    ASSERT_TRUE(done) << sql << ": " << done.error().message;
  }
  std::string all(std::string_view sql, const std::vector<Value>& parameters = {}) {
    const auto rows = hive_->sql(sql, parameters);
    return rows ? as_text(*rows) : rows.error().message;
  }
  Error refused_sql(std::string_view sql) {
    const auto done = hive_->sql(sql);
    EXPECT_FALSE(done) << sql;
    return done ? Error{} : done.error();
  }
};

TEST_F(Federated, EachFunctionIsATable) {
  EXPECT_EQ(
      all("SELECT * FROM cypher('MATCH (a:Agent) WHERE a.level > 2 RETURN a.id, a.level AS level ORDER BY a.id')"),
      "ada 3 | dot 5");
  EXPECT_EQ(all("SELECT id, distance, metadata ->> 'kind' FROM vector_search('memories', '[1, 0]', 2)"),
            "n1 0.0 odd | n2 1.0 even");
  EXPECT_EQ(all("SELECT id, snippet FROM text_search('bodies', 'bounded', 5)"),
            testing::on_postgres() ? "n4 queue is [bounded]" : "n4 the queue is [bounded]");
  EXPECT_EQ(all("SELECT label, id, distance FROM neighbors('Agent/ada', 'KNOWS', 'out', 2)"),
            "Agent bob 1 | Agent cem 2");
  EXPECT_EQ(all("SELECT step, id FROM shortest_path('Agent/ada', 'Agent/dot')"), "0 ada | 1 bob | 2 cem | 3 dot");
  EXPECT_EQ(all("SELECT id, text_rank, vector_rank FROM hybrid_search('memories', 'queue', '[4, 0]', 2)"),
            "n4 2 1 | n2 1 3");
}

TEST_F(Federated, OneQueryJoinsRowsGraphAndVectors) {
  EXPECT_EQ(all("SELECT n.id, a.role, v.distance FROM vector_search('memories', '[1, 0]', 4) v "
                "JOIN notes n ON n.id = v.id JOIN agents a ON a.id = n.author "
                "WHERE a.id IN (SELECT id FROM neighbors('Agent/ada', 'KNOWS', 'out', 3)) AND a.role = 'coder' "
                "ORDER BY v.distance"),
            "n2 coder 1.0 | n3 coder 4.0");
  EXPECT_EQ(
      all("SELECT id FROM notes WHERE author IN cypher('MATCH (a:Agent) WHERE a.level >= 3 RETURN a.id') ORDER BY id"),
      "n1 | n4");
}

TEST_F(Federated, ParametersMayComeFromAnOuterRow) {
  const std::string object = testing::on_postgres() ? "json_build_object" : "json_object";
  EXPECT_EQ(
      all("SELECT a.id, c.n FROM agents a CROSS JOIN cypher('MATCH (x:Agent)-[:KNOWS]->(y:Agent) WHERE x.id = $id "
          "RETURN count(y) AS n', " +
          object + "('id', a.id)) c WHERE a.level < 3 ORDER BY a.id"),
      "bob 1 | cem 1");
  EXPECT_EQ(all("SELECT a.id, n.id FROM agents a, neighbors('Agent/' || a.id) n ORDER BY a.id"),
            "ada bob | bob cem | cem dot");
  EXPECT_EQ(
      all("SELECT a.id, n.id FROM agents a LEFT JOIN neighbors('Agent/' || a.id) n ON n.distance = 1 ORDER BY a.id"),
      "ada bob | bob cem | cem dot | dot ");
  EXPECT_EQ(
      all("SELECT id FROM agents a WHERE id IN (SELECT c.id FROM cypher('MATCH (x:Agent)<-[:KNOWS]-(y:Agent) WHERE "
          "y.level > $level RETURN x.id AS id', " +
          object + "('level', a.level)) c) ORDER BY id"),
      "bob");
  EXPECT_EQ(all("SELECT id, (SELECT count(*) FROM neighbors('Agent/' || agents.id, 'KNOWS', 'out', 3)) FROM agents "
                "ORDER BY id"),
            "ada 3 | bob 2 | cem 1 | dot 0");
}

TEST_F(Federated, OnPostgresArgumentsFromRowsAreAskedFirstAndBounded) {
  if (!testing::on_postgres()) GTEST_SKIP() << "SQLite calls while it joins";
  // Names in arguments mean what they mean outside, not the columns of the answer.
  EXPECT_EQ(all("SELECT id, (SELECT max(distance) FROM neighbors('Agent/' || id, 'KNOWS', 'out', 3)) FROM agents ORDER "
                "BY id"),
            "ada 3 | bob 2 | cem 1 | dot ");
  EXPECT_EQ(all("SELECT a.id, n.id FROM agents a CROSS JOIN LATERAL neighbors('Agent/' || a.id) AS n WHERE a.role = "
                "'coder' ORDER BY a.id"),
            "bob cem | cem dot");
  // The condition decides which rows are asked about: nobody's neighbors would be an error.
  run("INSERT INTO notes VALUES ('n9', 'nobody', '')");
  EXPECT_EQ(all("SELECT t.id, n.id FROM notes t, neighbors('Agent/' || t.author) n WHERE t.id = 'n1'"), "n1 bob");
  EXPECT_EQ(refused_sql("SELECT t.id, n.id FROM notes t, neighbors('Agent/' || t.author) n").code,
            ErrorCode::not_found);
  const auto many = refused_sql("SELECT * FROM generate_series(1, 10001) g(i), neighbors('Agent/' || i) n");
  EXPECT_EQ(many.code, ErrorCode::resource_exhausted);
  EXPECT_THAT(many.message, HasSubstr("more than 10000 different arguments"));
  const auto inside =
      refused_sql("SELECT * FROM notes t CROSS JOIN (agents a CROSS JOIN neighbors('Agent/' || a.id) n)");
  EXPECT_EQ(inside.code, ErrorCode::unsupported);
  EXPECT_THAT(inside.message, HasSubstr("'Agent/' || a.id"));
}

TEST_F(Federated, OnPostgresStatementsAreParsedByItsOwnGrammar) {
  if (!testing::on_postgres()) GTEST_SKIP() << "SQLite parses for itself";
  EXPECT_THAT(refused_sql("SELECT * FROM neighbors('Agent/ada') WHER id = 'a b'").message,
              AllOf(HasSubstr("syntax error at or near \"id\""), HasSubstr("at byte 43")));
  EXPECT_THAT(refused_sql("SELECT 'é', * FROM [notes], neighbors('Agent/ada')").message, HasSubstr("at byte 21"));
  EXPECT_THAT(refused_sql("SELECT 1; SELECT * FROM neighbors('Agent/ada')").message, HasSubstr("2 statements"));
  EXPECT_THAT(refused_sql("DELETE FROM notes WHERE id IN neighbors('Agent/ada')").message,
              HasSubstr("one SELECT, and this is Delete"));
  EXPECT_THAT(refused_sql("WITH d AS (DELETE FROM notes RETURNING id) SELECT * FROM d, neighbors('Agent/ada')").message,
              HasSubstr("only reads"));
  EXPECT_THAT(refused_sql("SELECT coalesce(1, neighbors('Agent/ada'))").message, HasSubstr("returns a table"));
  // A text that only looks like a call.
  EXPECT_EQ(all("SELECT E'it\\'s FROM neighbors(1)', n.id FROM neighbors('Agent/ada') n"),
            "it's FROM neighbors(1) bob");
  // Nor is it one that makes a statement federated, which could not write then.
  run("INSERT INTO notes VALUES ('n8', 'ada', E'it\\'s from neighbors(1)')");
}

TEST_F(Federated, AnAnswerWithoutRowsHasTheTypesOfOneWithRows) {
  EXPECT_EQ(all("SELECT count(*), sum(c.level) FROM cypher('MATCH (a:Agent) WHERE a.id = \"nobody\" RETURN a.level AS "
                "level, a AS whole') c WHERE c.level > 3"),
            "0 ");
  EXPECT_EQ(
      all("SELECT sum(distance) + 1, max(metadata ->> 'kind') FROM vector_search('memories', '[1, 0]', 3, '1 = 0')"),
      "");
}

TEST_F(Federated, ValuesAreBoundAndVectorsComeInEveryForm) {
  EXPECT_EQ(all("SELECT id FROM vector_search(?1, ?2, ?3)", {"memories", "[3, 0]", std::int64_t{1}}), "n3");
  Bytes bytes(8);
  const std::array<float, 2> floats{2, 0};
  std::memcpy(bytes.data(), floats.data(), 8);
  EXPECT_EQ(all("SELECT id FROM vector_search('memories', ?1, 1)", {bytes}), "n2");
  EXPECT_EQ(all("SELECT id FROM vector_search('memories', 'n4', 1)"), "n4");
  EXPECT_EQ(all("SELECT c.id FROM cypher(?1, ?2) c",
                {"MATCH (a:Agent) WHERE a.id = $who RETURN a.id AS id", R"({"who":"bob"})"}),
            "bob");
}

TEST_F(Federated, ASearchReturnsExactlyTheNearestThatSatisfyItsPredicate) {
  EXPECT_EQ(all("SELECT id FROM vector_search('memories', '[1, 0]', 2, 'kind = ''even''')"), "n2 | n4");
  EXPECT_EQ(all("SELECT id FROM vector_search('memories', '[1, 0]', 3, 'author <> ''ada'' AND id <> ''n3''')"),
            "n2 | n4");
  EXPECT_EQ(all("SELECT id FROM vector_search('memories', '[1, 0]', 2, 'author IN (SELECT id FROM "
                "neighbors(''Agent/bob'', ''KNOWS'', ''out'', 2))')"),
            "n3 | n4");
  EXPECT_EQ(all("SELECT id FROM vector_search('memories', '[1, 0]', 2, 'author IN cypher(''MATCH (a:Agent) WHERE "
                "a.level > 4 RETURN a.id'')')"),
            "n4");
  EXPECT_EQ(all("SELECT id FROM text_search('bodies', 'lock', 5, 'author = ''bob''')"), "n2");
  EXPECT_EQ(all("SELECT id FROM hybrid_search('memories', 'lock', '[1, 0]', 5, 'author = ''ada''')"), "n1");
}

TEST_F(Federated, WrongCallsSayWhatIsWrong) {
  EXPECT_THAT(
      refused_sql("SELECT * FROM vector_search('memories', '[1, 0]')").message,
      AllOf(HasSubstr("vector_search(collection, query, k, where) needs its first 3"), HasSubstr("k is missing")));
  EXPECT_EQ(refused_sql("SELECT * FROM vector_search('nothing', '[1, 0]', 3)").code, ErrorCode::not_found);
  EXPECT_THAT(refused_sql("SELECT * FROM vector_search('memories', '[1]', 3)").message, HasSubstr("2 dimensions"));
  EXPECT_THAT(refused_sql("SELECT * FROM vector_search('memories', 'n9', 3)").message, HasSubstr("no vector n9"));
  EXPECT_THAT(refused_sql("SELECT * FROM vector_search('memories', '[1, 0]', 3, 'nonsense = 1')").message,
              HasSubstr("nonsense"));
  EXPECT_THAT(refused_sql("SELECT * FROM cypher('MATCH (a:Agent) RETURN a.id + ')").message, HasSubstr("RETURN"));
  EXPECT_EQ(refused_sql("SELECT * FROM neighbors('Agent/nobody')").code, ErrorCode::not_found);
  EXPECT_THAT(refused_sql("SELECT * FROM neighbors('ada')").message, HasSubstr("Label/id"));
  EXPECT_THAT(refused_sql("SELECT * FROM text_search('bodies', 'lock', 3, 'author = ')").message,
              HasSubstr("predicate"));
  EXPECT_EQ(all("SELECT count(*) FROM agents"), "4") << "the connection is as good as before";
}

TEST_F(Federated, StatementsThatWriteAreRefused) {
  for (const auto* const sql : {"INSERT INTO notes (id) SELECT id FROM neighbors('Agent/ada')",
                                "DELETE FROM notes WHERE id IN (SELECT id FROM vector_search('memories', '[1, 0]', 2))",
                                "CREATE TABLE copy AS SELECT * FROM neighbors('Agent/ada')",
                                "CREATE VIEW v AS SELECT * FROM neighbors('Agent/ada')",
                                "SELECT * FROM cypher('CREATE (a:Agent {id: \"eve\"}) RETURN a.id')",
                                "SELECT * FROM neighbors('Agent/ada'); DELETE FROM notes"}) {
    const auto error = refused_sql(sql);
    EXPECT_TRUE(error.code == ErrorCode::permission_denied || error.code == ErrorCode::invalid_argument)
        << sql << ": " << error.message;
  }
  EXPECT_EQ(all("SELECT count(*) FROM notes"), "4");
  EXPECT_EQ(all("SELECT count(*) FROM cypher('MATCH (a:Agent) RETURN a.id')"), "4");
}

TEST_F(Federated, EverythingIsAsNewAsTheSessionsOwnWrites) {
  for (int i = 0; i < 20; ++i) {
    const auto id = "new" + std::to_string(i);
    ASSERT_TRUE(
        hive_->commit({.changes = {PutRow{"agents", {{"id", id}, {"role", "coder"}, {"level", std::int64_t{9}}}},
                                   PutEdge{{"KNOWS", {"Agent", "ada"}, {"Agent", id}}, {}},
                                   PutVector{"memories", id, {100, static_cast<float>(i)}, {}}},
                       .idempotency_key = {}}));
    EXPECT_EQ(all("SELECT a.id FROM agents a JOIN vector_search('memories', ?1, 1) v ON v.id = a.id JOIN "
                  "cypher('MATCH (:Agent {id: \"ada\"})-[:KNOWS]->(b:Agent) RETURN b.id AS id') c ON c.id = a.id",
                  {"[100," + std::to_string(i) + "]"}),
              id);
  }
}

TEST_F(Federated, ExplainShowsTheTreeAndAnalyzeWhatEachEngineDid) {
  const std::string_view sql = "SELECT n.id FROM vector_search('memories', '[1, 0]', 3) v JOIN notes n ON n.id = v.id";
  const auto plan = hive_->explain(sql);
  ASSERT_TRUE(plan) << plan.error().message;
  // PostgreSQL plans when the calls have been answered.
  if (!testing::on_postgres()) {
    EXPECT_THAT(to_text(*plan), AllOf(HasSubstr("(vector_search) → vector engine"), HasSubstr("about 3 rows")));
  }
  EXPECT_FALSE(plan->rows);
  const auto measured = hive_->explain(sql, {}, true);
  ASSERT_TRUE(measured) << measured.error().message;
  EXPECT_EQ(measured->rows, 3U);
  EXPECT_THAT(to_text(*measured), AllOf(HasSubstr("→ usearch"), HasSubstr("actual 3 rows"), HasSubstr("1 call")));
  EXPECT_THAT(to_json(*measured), HasSubstr(R"("calls":1)"));
  EXPECT_THAT(all("EXPLAIN ANALYZE " + std::string(sql)), HasSubstr("usearch"));
  EXPECT_THAT(all("EXPLAIN (ANALYZE, FORMAT JSON) " + std::string(sql)), HasSubstr(R"("operation":"RESULT")"));
}

/// The first step whose operation begins with `operation`, wherever it is.
const PlanNode* step_of(const PlanNode& plan, std::string_view operation) {
  if (plan.operation.starts_with(operation)) return &plan;
  for (const auto& input : plan.inputs)
    if (const auto* const found = step_of(input, operation)) return found;
  return nullptr;
}

TEST_F(Federated, AnalyzeCountsTheRowsOfTheStoresOwnSteps) {
  const bool postgres = testing::on_postgres();
  const std::string statement =
      "SELECT n.id FROM notes n JOIN notes m ON m.id = n.id JOIN neighbors('Agent/ada', 'KNOWS', 'out', 1) k ON k.id > "
      "''";
  const auto known = hive_->explain(statement);
  ASSERT_TRUE(known) << known.error().message;
  const auto plan = hive_->explain(statement, {}, true);
  ASSERT_TRUE(plan) << plan.error().message;
  const auto* const scan = step_of(*plan, postgres ? "Seq Scan" : "SCAN n");
  ASSERT_NE(scan, nullptr) << to_text(*plan);
  ASSERT_TRUE(scan->rows) << to_text(*plan);
  EXPECT_EQ(*scan->rows % 4, 0U) << to_text(*plan);
  EXPECT_GT(*scan->rows, 0U) << to_text(*plan);
  EXPECT_TRUE(scan->estimated_rows) << to_text(*plan);
  const auto* const unmeasured = step_of(*known, postgres ? "Seq Scan" : "SCAN n");
  ASSERT_NE(unmeasured, nullptr);
  EXPECT_FALSE(unmeasured->rows) << "it was not run";
  if (!postgres) {
    const auto alone = hive_->explain("SELECT count(*) FROM notes WHERE length(id) > 0", {}, true);
    ASSERT_TRUE(alone);
    ASSERT_NE(step_of(*alone, "SCAN notes"), nullptr) << to_text(*alone);
    EXPECT_EQ(step_of(*alone, "SCAN notes")->rows, 4U) << to_text(*alone);
  }
}

TEST_F(Federated, APlanOfWhatIsCutSaysSoAndNothingThatWritesIsRun) {
  const auto cut = hive_->explain("SELECT * FROM neighbors('Agent/ada', 'KNOWS', 'out', 3)", {}, true, {.max_rows = 2});
  ASSERT_TRUE(cut) << cut.error().message;
  if (!testing::on_postgres()) {  // whose server counts all rows itself
    EXPECT_THAT(to_text(*cut), HasSubstr("stopped at the limit of rows"));
  }
  const auto writes = hive_->explain("DELETE FROM notes WHERE id IN (SELECT id FROM neighbors('Agent/ada'))", {}, true);
  ASSERT_FALSE(writes);
  EXPECT_EQ(writes.error().code, ErrorCode::permission_denied);
  EXPECT_EQ(all("SELECT count(*) FROM notes"), "4");
}

TEST_F(Federated, RoutesAreToldWithTheAnswer) {
  const auto answer = hive_->execute("SELECT * FROM neighbors('Agent/ada')");
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->routes.size(), 1U);
  EXPECT_FALSE(answer->routes[0].degraded);
  EXPECT_FALSE(answer->routes[0].reason.empty());
}

TEST_F(Federated, AnAnswerIsCutAtTheRowLimitAndStopsAtTheDeadline) {
  const auto cut = hive_->sql("SELECT * FROM vector_search('memories', '[1, 0]', 4)", {}, {.max_rows = 2});
  ASSERT_TRUE(cut);
  EXPECT_TRUE(cut->truncated);
  const auto late = hive_->sql(
      "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r, neighbors('Agent/ada')",
      {}, {.deadline = Deadline::after(std::chrono::milliseconds(200))});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::deadline_exceeded);
}

}  // namespace
}  // namespace triune
