// Mapped tables, text indexes, vector filters: what is derived from rows follows them in the same commit.
#include <gmock/gmock.h>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using HiveDefinition = testing::HiveTest;

class MappedTasks : public testing::HiveTest {
 protected:
  void SetUp() override {
    HiveTest::SetUp();
    run("CREATE TABLE agents (id TEXT PRIMARY KEY, role TEXT) STRICT");
    run("CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, effort REAL, agent TEXT) STRICT");
    ASSERT_TRUE(hive_->map_nodes({.table = "agents", .label = "Agent", .properties = {}}));
    ASSERT_TRUE(hive_->map_nodes({.table = "tasks", .label = "Task", .properties = {"title", "effort"}}));
    ASSERT_TRUE(hive_->map_edges({.table = "tasks",
                                  .type = "ASSIGNED_TO",
                                  .from_column = "id",
                                  .from_label = "Task",
                                  .to_column = "agent",
                                  .to_label = "Agent",
                                  .properties = {"effort"}}));
  }

  void run(std::string_view sql) {
    const auto done = hive_->sql(testing::in_dialect(std::string(sql)));
    ASSERT_TRUE(done) << sql << ": " << done.error().message;
  }

  std::string assigned() { return cypher_scalar("MATCH (t:Task)-[e:ASSIGNED_TO]->(a:Agent) RETURN count(*)"); }
};

TEST_F(MappedTasks, RowsAppearAsNodesAndEdges) {
  run("INSERT INTO agents VALUES ('ada', 'reviewer')");
  run("INSERT INTO tasks VALUES (7, 'review', 1.5, 'ada')");
  EXPECT_EQ(cypher_scalar("MATCH (t:Task {id: '7'})-[e:ASSIGNED_TO]->(a:Agent) RETURN t.title + '|' + a.role"),
            "review|reviewer");
  EXPECT_EQ(cypher_scalar("MATCH (:Task)-[e:ASSIGNED_TO]->(:Agent) RETURN e.effort"), "1.5");
  expect_verified();
}

TEST_F(MappedTasks, UpdatesAndDeletesFollow) {
  run("INSERT INTO agents VALUES ('ada', 'reviewer'), ('bob', 'coder')");
  run("INSERT INTO tasks VALUES (1, 'one', 1, 'ada'), (2, 'two', 2, 'ada')");
  EXPECT_EQ(assigned(), "2");
  run("UPDATE tasks SET agent = 'bob', title = 'uno' WHERE id = 1");
  EXPECT_EQ(cypher_scalar("MATCH (t:Task {title: 'uno'})-[:ASSIGNED_TO]->(a) RETURN a.id"), "bob");
  run("UPDATE tasks SET agent = NULL WHERE id = 2");
  EXPECT_EQ(assigned(), "1");
  run("DELETE FROM agents WHERE id = 'bob'");
  EXPECT_EQ(assigned(), "0");
  run("DELETE FROM tasks");
  EXPECT_EQ(cypher_scalar("MATCH (t:Task) RETURN count(*)"), "0");
  expect_verified();
}

TEST_F(MappedTasks, AnEdgeWaitsForItsEnd) {
  run("INSERT INTO tasks VALUES (1, 'one', 1, 'ada')");
  EXPECT_EQ(assigned(), "0");
  run("INSERT INTO agents VALUES ('ada', 'late')");
  EXPECT_EQ(assigned(), "1");
  expect_verified();
}

TEST_F(MappedTasks, APrimaryKeyThatChangesIsAnotherNode) {
  run("INSERT INTO agents VALUES ('ada', 'x')");
  run("INSERT INTO tasks VALUES (1, 'one', 1, 'ada')");
  run("UPDATE tasks SET id = 9 WHERE id = 1");
  EXPECT_EQ(cypher_scalar("MATCH (t:Task)-[:ASSIGNED_TO]->(:Agent) RETURN t.id"), "9");
  EXPECT_EQ(cypher_scalar("MATCH (t:Task) RETURN count(*)"), "1");
  expect_verified();
}

TEST_F(MappedTasks, PutRowsAreMappedToo) {
  commit(
      {PutRow{"agents", {{"id", "ada"}, {"role", "r"}}}, PutRow{"tasks", {{"id", std::int64_t{3}}, {"agent", "ada"}}}});
  EXPECT_EQ(assigned(), "1");
}

TEST_F(MappedTasks, MappedNamesAreNotWrittenAsChanges) {
  EXPECT_THAT(refused({PutNode{{"Task", "x"}, {}}}).message, HasSubstr("tasks"));
  EXPECT_EQ(refused({DeleteNode{{"Agent", "x"}}}).code, ErrorCode::invalid_argument);
}

TEST_F(MappedTasks, GenericEdgesMayJoinMappedNodes) {
  run("INSERT INTO agents VALUES ('ada', 'x'), ('bob', 'y')");
  commit({PutEdge{{"KNOWS", {"Agent", "ada"}, {"Agent", "bob"}}, {}}});
  EXPECT_EQ(cypher_scalar("MATCH (:Agent {id: 'ada'})-[:KNOWS]->(b:Agent) RETURN b.role"), "y");
}

TEST_F(HiveDefinition, RowsThatWereThereAreMapped) {
  ASSERT_TRUE(hive_->sql(testing::in_dialect("CREATE TABLE t (id TEXT PRIMARY KEY, a TEXT)")));
  ASSERT_TRUE(hive_->sql("INSERT INTO t VALUES ('x', 'one'), ('y', 'two')"));
  ASSERT_TRUE(hive_->map_nodes({.table = "t", .label = "T", .properties = {}}));
  EXPECT_EQ(cypher_scalar("MATCH (n:T) RETURN count(*)"), "2");
  ASSERT_TRUE(hive_->map_nodes({.table = "t", .label = "T", .properties = {}}));
  EXPECT_EQ(hive_->map_nodes({.table = "t", .label = "T", .properties = {"a"}}).error().code, ErrorCode::conflict);
  EXPECT_EQ(hive_->map_nodes({.table = "nowhere", .label = "N", .properties = {}}).error().code, ErrorCode::not_found);
}

TEST_F(HiveDefinition, NamesAreQuotedEverywhere) {
  const std::string table = "we\"ird; DROP TABLE x--'";
  ASSERT_TRUE(hive_->sql("CREATE TABLE \"we\"\"ird; DROP TABLE x--'\" (\"i d\" TEXT PRIMARY KEY, \"a'b\" TEXT)"));
  ASSERT_TRUE(hive_->map_nodes({.table = table, .label = "Weird", .properties = {"a'b"}}));
  commit({PutRow{table, {{"i d", "1'; --"}, {"a'b", "\"quoted\""}}}});
  EXPECT_EQ(cypher_scalar("MATCH (n:Weird) RETURN n.id"), "1'; --");
  EXPECT_EQ(hive_->get_row(table, {{"i d", "1'; --"}}).value().size(), 2U);
  expect_verified();
}

TEST_F(HiveDefinition, TextIsFoundAndForgotten) {
  ASSERT_TRUE(hive_->sql(testing::in_dialect("CREATE TABLE notes (id TEXT PRIMARY KEY, title TEXT, body TEXT)")));
  ASSERT_TRUE(hive_->sql("INSERT INTO notes VALUES ('a', 'before', 'the quick brown fox')"));
  ASSERT_TRUE(hive_->create_text_index({.name = "notes", .table = "notes", .columns = {"title", "body"}}));
  commit({PutRow{"notes", {{"id", "b"}, {"title", "Über"}, {"body", "a lazy dog-walker in C++"}}}});
  const auto ids = [&](const std::string& query) {
    std::vector<std::string> found;
    const auto hits = hive_->text({.query = query, .collection = {}});
    EXPECT_TRUE(hits) << hits.error().message;
    for (const auto& hit : *hits) found.push_back(hit.id);
    return found;
  };
  EXPECT_THAT(ids("quick fox"), ElementsAre("a"));
  EXPECT_THAT(ids("uber"), ElementsAre("b"));
  EXPECT_THAT(ids("dog-walker"), ElementsAre("b"));
  EXPECT_THAT(ids("C++"), ElementsAre("b"));
  EXPECT_THAT(ids("\"brown fox\""), ElementsAre("a"));
  EXPECT_THAT(ids("laz*"), ElementsAre("b"));
  EXPECT_THAT(ids("quick OR lazy").size(), 2U);
  EXPECT_THAT(ids("fox NOT quick"), ElementsAre());
  EXPECT_THAT(ids("AND (\"' OR"), ElementsAre());
  ASSERT_TRUE(hive_->sql("UPDATE notes SET body = 'nothing' WHERE id = 'a'"));
  EXPECT_THAT(ids("fox"), ElementsAre());
  EXPECT_THAT(ids("nothing"), ElementsAre("a"));
  commit({DeleteRow{"notes", {{"id", "a"}}}});
  EXPECT_THAT(ids("nothing"), ElementsAre());
}

class FilteredVectors : public testing::HiveTest {
 protected:
  void SetUp() override {
    HiveTest::SetUp();
    ASSERT_TRUE(hive_->sql(testing::in_dialect("CREATE TABLE items (sku TEXT PRIMARY KEY, price INTEGER)")));
    ASSERT_TRUE(
        hive_->create_collection({.name = "items", .dimension = 2, .metric = Metric::l2, .owner_table = "items"}));
    std::vector<Change> changes;
    for (int i = 0; i < 100; ++i) {
      const auto id = "i" + std::to_string(i);
      changes.push_back(PutRow{"items", {{"sku", id}, {"price", std::int64_t{i}}}});
      changes.push_back(PutVector{"items", id, {static_cast<float>(i), 0}, {{"lang", i % 2 == 0 ? "de" : "en"}}});
    }
    commit(std::move(changes));
  }

  std::vector<std::string> ids(const std::string& where, std::vector<Value> parameters = {}) {
    const auto result = hive_->search({.collection = "items",
                                       .query = std::vector<float>{0, 0},
                                       .count = 3,
                                       .where = where,
                                       .parameters = std::move(parameters)});
    EXPECT_TRUE(result) << result.error().message;
    std::vector<std::string> found;
    if (result)
      for (const auto& hit : result->hits) found.push_back(hit.id);
    return found;
  }
};

TEST_F(FilteredVectors, ByMetadataAndByTheOwnersColumns) {
  EXPECT_THAT(ids(""), ElementsAre("i0", "i1", "i2"));
  EXPECT_THAT(ids("lang = 'en'"), ElementsAre("i1", "i3", "i5"));
  EXPECT_THAT(ids("price >= 50"), ElementsAre("i50", "i51", "i52"));
  EXPECT_THAT(ids("lang = ?1 AND price > ?2", {"de", std::int64_t{96}}), ElementsAre("i98"));
  EXPECT_THAT(ids("metadata ->> 'lang' = 'en' AND id <> 'i1'"), ElementsAre("i3", "i5", "i7"));
  EXPECT_THAT(ids("price > 1000"), ElementsAre());
}

TEST_F(FilteredVectors, AWrongPredicateSaysWhatIsWrong) {
  const auto search = [&](const std::string& where) {
    return hive_->search({.collection = "items", .query = std::vector<float>{0, 0}, .where = where, .parameters = {}});
  };
  EXPECT_THAT(search("langg = 'en'").error().message, HasSubstr("langg"));
  EXPECT_EQ(search("lang = ").error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(search("1); DELETE FROM items; --"));
  EXPECT_EQ(scalar("SELECT count(*) FROM items"), "100");
}

TEST_F(FilteredVectors, ByTheIdOfAStoredOne) {
  const auto result =
      hive_->search({.collection = "items", .query = std::string("i42"), .count = 2, .where = {}, .parameters = {}});
  ASSERT_TRUE(result) << result.error().message;
  EXPECT_EQ(result->hits.at(0).id, "i42");
  EXPECT_EQ(
      hive_->search({.collection = "items", .query = std::string("none"), .where = {}, .parameters = {}}).error().code,
      ErrorCode::not_found);
}

TEST_F(FilteredVectors, DeletedVectorsAreGone) {
  commit({DeleteVector{"items", "i0"}, DeleteVector{"items", "i1"}});
  EXPECT_THAT(ids(""), ElementsAre("i2", "i3", "i4"));
  EXPECT_EQ(hive_->get_vector("items", "i0").error().code, ErrorCode::not_found);
  expect_verified();
}

TEST_F(FilteredVectors, AnEngineThatIsBehindHidesNoneThatTookAnothersPlace) {
  const auto change_and_search = [&] {
    const auto changed =
        hive_->commit({.changes = {DeleteVector{"items", "i1"}, PutVector{"items", "new", {1, 0}, {{"lang", "fr"}}}},
                       .idempotency_key = {}});
    EXPECT_TRUE(changed) << changed.error().message;
    return hive_->search(
        {.collection = "items", .query = std::vector<float>{0, 0}, .where = "lang = 'fr'", .parameters = {}},
        {.consistency = Consistency::eventual()});
  };
  Result<VectorSearchResult> result;
  // While a load goes on, its projection rests.
  const auto loaded = hive_->load_vectors("items", [&](PutVector&) -> Result<bool> {
    result = change_and_search();
    return false;
  });
  ASSERT_TRUE(loaded) << loaded.error().message;
  ASSERT_TRUE(result) << result.error().message;
  ASSERT_EQ(result->hits.size(), 1U);
  EXPECT_EQ(result->hits[0].id, "new");
  // A server's projection may have taken both before it rested.
  EXPECT_THAT(result->strategy, ::testing::AnyOf("canonical scan", "scan of 1"));
}

}  // namespace
}  // namespace triune
