// The query language: parameters, typed results, limits, deadlines, and what may not be asked.
#include <gtest/gtest.h>

#include <fstream>

#include "conformance/graph/fixture.h"
#include "contract/operations.h"

namespace triune::conformance {
namespace {

class Cypher : public GraphConformance {
 protected:
  void SetUp() override {
    GraphConformance::SetUp();
    must(store_->ensure_schema(people()));
    must_apply({.put_nodes = {person("a", {{"name", "Ann"}, {"age", std::int64_t{3}}}), person("b"), city("x")},
                .put_edges = {knows("a", "b", {{"since", std::int64_t{1999}}}), lives_in("a", "x")}});
  }

  ErrorCode refusal(std::string_view cypher, bool read_only = true) {
    contract::GraphQueryOptions options;
    options.read_only = read_only;
    const auto error = must_fail(store_->query(cypher, {}, options));
    EXPECT_FALSE(error.message.empty()) << cypher;
    return error.code;
  }
};

TEST_P(Cypher, A_denied_query_language_is_unsupported) {
  if (store_->capabilities().query_language) GTEST_SKIP() << "the engine has one";
  EXPECT_EQ(refusal("MATCH (n) RETURN n"), ErrorCode::unsupported);
}

TEST_P(Cypher, Cypher_binds_parameters) {
  SKIP_UNLESS(query_language);
  for (const Value& value : {Value("x'; MATCH (n) DETACH DELETE n //"), Value(std::int64_t{-5}), Value(0.25),
                             Value(true), Value(Null{}), Value(std::string("line\n\\ \" ` $a"))}) {
    EXPECT_EQ(must_value("RETURN $value", {{"value", value}}), value);
  }
  EXPECT_EQ(must_value("MATCH (n:Person) WHERE n.id = $id RETURN n.name", {{"id", "a"}}), Value("Ann"));
  EXPECT_EQ(store_->statistics()->nodes, 3U);
  EXPECT_EQ(must_fail(store_->query("RETURN $missing", {}, {})).code, ErrorCode::invalid_argument);
  EXPECT_EQ(must_fail(store_->query("RETURN 1", {{"unused", "x"}}, {})).code, ErrorCode::invalid_argument);
}

TEST_P(Cypher, Results_are_typed) {
  SKIP_UNLESS(query_language);
  const auto rows = must_query(
      "MATCH (n:Person {id: 'a'})-[e:KNOWS]->(m) RETURN n.age AS age, n.name, n.height, 1.5, true, "
      "n, e, [1, 2], {a: 'x'}, date('2024-05-01'), timestamp('2024-05-01 10:00:00'), m.id");
  ASSERT_EQ(rows.rows.size(), 1U);
  EXPECT_EQ(rows.columns.at(0), "age");
  const auto& row = rows.rows[0];
  EXPECT_EQ(row[0], Value(std::int64_t{3}));
  EXPECT_EQ(row[1], Value("Ann"));
  EXPECT_EQ(row[2], Value(Null{}));
  EXPECT_EQ(row[3], Value(1.5));
  EXPECT_EQ(row[4], Value(true));
  EXPECT_EQ(row[5], Value(Json{R"({"_label":"Person","id":"a","name":"Ann","age":3})"}));
  EXPECT_EQ(row[6], Value(Json{R"({"_label":"KNOWS","since":1999})"}));
  EXPECT_EQ(row[7], Value(Json{"[1,2]"}));
  EXPECT_EQ(row[8], Value(Json{R"({"a":"x"})"}));
  EXPECT_EQ(row[9], Value("2024-05-01"));
  EXPECT_EQ(row[10], Value("2024-05-01T10:00:00"));
  EXPECT_EQ(row[11], Value("b"));
  EXPECT_EQ(must_value("MATCH p = (:Person {id: 'a'})-[:KNOWS]->(:Person) RETURN p"),
            Value(Json{R"({"nodes":[{"_label":"Person","id":"a","name":"Ann","age":3},{"_label":"Person","id":"b"}],)"
                       R"("edges":[{"_label":"KNOWS","_from":"a","_to":"b","since":1999}]})"}));
}

TEST_P(Cypher, More_rows_than_asked_for_are_cut_off) {
  SKIP_UNLESS(query_language);
  contract::GraphQueryOptions options;
  options.max_rows = 2;
  auto rows = must_query("UNWIND [1, 2, 3] AS x RETURN x", {}, options);
  EXPECT_EQ(rows.rows.size(), 2U);
  EXPECT_TRUE(rows.truncated);
  options.max_rows = 3;
  rows = must_query("UNWIND [1, 2, 3] AS x RETURN x", {}, options);
  EXPECT_EQ(rows.rows.size(), 3U);
  EXPECT_FALSE(rows.truncated);
}

TEST_P(Cypher, A_runaway_statement_stops_at_its_deadline) {
  SKIP_UNLESS(query_language);
  contract::GraphQueryOptions options;
  options.deadline = Deadline::after(std::chrono::milliseconds(300));
  const auto error =
      must_fail(store_->query("UNWIND range(1, 100000) AS a UNWIND range(1, 100000) AS b "
                              "UNWIND range(1, 100000) AS c RETURN sum(a * b - c)",
                              {}, options));
  EXPECT_EQ(error.code, ErrorCode::deadline_exceeded) << error.message;
  options.deadline = Deadline::after(std::chrono::milliseconds(-1));
  EXPECT_EQ(must_fail(store_->query("RETURN 1", {}, options)).code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(must_value("RETURN 1"), Value(std::int64_t{1})) << "the store works on";
}

TEST_P(Cypher, Writing_is_refused_before_it_runs) {
  SKIP_UNLESS(query_language);
  const auto before = text(people());
  for (const auto* cypher :
       {"CREATE (:Person {id: 'evil'})", "MERGE (:Person {id: 'evil'})", "MATCH (n:Person) SET n.age = 1",
        "MATCH (n:Person) DETACH DELETE n", "MATCH ()-[e:KNOWS]->() DELETE e",
        "CREATE NODE TABLE Evil(id STRING PRIMARY KEY)", "DROP TABLE KNOWS", "ALTER TABLE Person ADD evil STRING",
        "match (n:Person) /* x */ set n.age=1 return n", "PROFILE CREATE (:Person {id: 'evil'})",
        "EXPLAIN CREATE (:Person {id: 'evil'})", "MATCH (n:Person) WITH n CREATE (:City {id: n.id})"})
    EXPECT_EQ(refusal(cypher), ErrorCode::permission_denied) << cypher;
  EXPECT_EQ(text(people()), before);
}

TEST_P(Cypher, Names_that_look_like_writing_may_be_read) {
  SKIP_UNLESS(query_language);
  EXPECT_EQ(must_value("MATCH (n:Person {id: 'a'}) RETURN 'CREATE (x) // SET'"), Value("CREATE (x) // SET"));
  EXPECT_EQ(must_value("RETURN 1 AS `SET`"), Value(std::int64_t{1}));
  EXPECT_EQ(must_value("/* DELETE */ RETURN 2 // COPY x FROM 'y'"), Value(std::int64_t{2}));
}

TEST_P(Cypher, Files_settings_and_transactions_are_out_of_reach) {
  SKIP_UNLESS(query_language);
  const auto file = directory_ / "secret.csv";
  std::ofstream(file) << "id\nsecret\n";
  const auto name = file.string();
  for (const auto& cypher : std::vector<std::string>{
           "LOAD FROM '" + name + "' RETURN *", "load /* x */ from '" + name + "' return *",
           "LOAD\u00a0FROM '" + name + "' RETURN *", "LOAD WITH HEADERS (id STRING) FROM '" + name + "' RETURN *",
           "MATCH (n:Person) LOAD FROM '" + name + "' RETURN *", "EXPLAIN LOAD FROM '" + name + "' RETURN *",
           "COPY Person FROM '" + name + "'", "COPY (MATCH (n) RETURN n.id) TO '" + name + ".out'",
           "EXPORT DATABASE '" + name + ".dir'", "IMPORT DATABASE '" + name + ".dir'",
           "ATTACH '" + name + "' AS x (dbtype kuzu)", "INSTALL httpfs", "LOAD EXTENSION httpfs", "CALL threads = 1",
           "CALL spill_to_disk = true", "CALL PROJECT_GRAPH('g', ['Person'], ['KNOWS'])", "BEGIN TRANSACTION", "COMMIT",
           "CHECKPOINT"}) {
    for (const bool read_only : {true, false})
      EXPECT_EQ(refusal(cypher, read_only), ErrorCode::permission_denied) << cypher;
  }
  EXPECT_FALSE(std::filesystem::exists(name + ".out"));
  EXPECT_FALSE(std::filesystem::exists(name + ".dir"));
}

TEST_P(Cypher, Nonsense_is_refused) {
  SKIP_UNLESS(query_language);
  for (const auto& cypher :
       std::vector<std::string>{"", " ", "// nothing", "MATCH (n", "RETURN 1; RETURN 2", "MATCH (n:Nothing) RETURN n",
                                "RETURN 'open", "RETURN `open", "RETURN /* open", std::string("RETURN '\xff'"),
                                "RETURN " + std::string(5000, '(') + "1" + std::string(5000, ')'),
                                "RETURN '" + std::string(100'000, 'x') + "'"})
    EXPECT_EQ(refusal(cypher), ErrorCode::invalid_argument) << cypher.substr(0, 60);
  EXPECT_EQ(must_value("RETURN 1;"), Value(std::int64_t{1})) << "a semicolon at the end is none";
}

TEST_P(Cypher, Who_may_write_writes) {
  SKIP_UNLESS(query_language);
  contract::GraphQueryOptions options;
  options.read_only = false;
  must_query("CREATE (:Person {id: $id, name: 'Cid'})", {{"id", "c"}}, options);
  EXPECT_EQ(must_value("MATCH (n:Person {id: 'c'}) RETURN n.name"), Value("Cid"));
  must_query("CREATE NODE TABLE Tool(id STRING PRIMARY KEY, weight DOUBLE)", {}, options);
  must_apply({.put_nodes = {{{"Tool", "t"}, {{"weight", 1.5}}}}});
  EXPECT_EQ(must_value("MATCH (n:Tool) RETURN n.weight"), Value(1.5));
}

TEST_P(Cypher, Many_different_statements_run) {
  SKIP_UNLESS(query_language);
  for (std::int64_t i = 0; i < 500; ++i) ASSERT_EQ(must_value("RETURN " + std::to_string(i)), Value(i));
}

TEST_P(Cypher, The_position_is_hidden) {
  SKIP_UNLESS(query_language);
  must_apply({.position = Position{"history", 5}});
  EXPECT_EQ(must_value("MATCH (n) RETURN count(*)"), Value(std::int64_t{3}));
  for (const auto& row : must_query("CALL show_tables() RETURN name").rows)
    EXPECT_EQ(to_text(row[0]).find("triune"), std::string::npos);
}

class Operations : public GraphConformance {};

TEST_P(Operations, Nodes_and_relationships_bring_their_schema) {
  must(contract::create_node(*store_, {{"Person", "a"}, {{"name", "Ann"}, {"none", Null{}}}}, soon()));
  must(contract::create_node(*store_, {{"Person", "b"}, {{"age", std::int64_t{2}}}}, soon()));
  must(contract::create_relationship(*store_, {{"LIKES", {"Person", "a"}, {"Person", "b"}}, {{"much", 0.5}}}, soon()));
  EXPECT_EQ(store_->statistics()->nodes, 2U);
  EXPECT_EQ(store_->statistics()->edges, 1U);
  EXPECT_FALSE(contract::create_node(*store_, {{"Person", "c"}, {{"bytes", Bytes{}}}}, soon()).has_value());
  EXPECT_FALSE(
      contract::create_relationship(*store_, {{"LIKES", {"Person", "a"}, {"Person", "x"}}, {}}, soon()).has_value());
}

TEST_P(Operations, Reports_health) {
  const auto health = contract::health(*store_);
  EXPECT_TRUE(health.ok);
  EXPECT_EQ(health.detail, GetParam().name);
}

FOR_EACH_GRAPH_ENGINE(Cypher);
FOR_EACH_GRAPH_ENGINE(Operations);

}  // namespace
}  // namespace triune::conformance
