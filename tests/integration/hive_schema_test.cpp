// Tables that are dropped and altered: what was derived from them goes or follows, in the same commit (I2, I6).
#include <gmock/gmock.h>

#include <thread>

#include "integration/foreign_program.h"

namespace triune {
namespace {

using ::testing::HasSubstr;

class SchemaChanges : public testing::ForeignProgramTest {
 protected:
  void SetUp() override {
    HiveTest::SetUp();
    run("CREATE TABLE agents (id TEXT PRIMARY KEY, role TEXT) STRICT");
    run("CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, effort REAL, agent TEXT, note TEXT) STRICT");
    ASSERT_TRUE(hive_->map_nodes({.table = "agents", .label = "Agent", .properties = {}}));
    ASSERT_TRUE(hive_->map_nodes({.table = "tasks", .label = "Task", .properties = {"title"}}));
    ASSERT_TRUE(hive_->map_edges(assigned_));
    ASSERT_TRUE(hive_->create_text_index({.name = "titles", .table = "tasks", .columns = {"title"}}));
    run("INSERT INTO agents VALUES ('ada', 'reviewer'), ('bob', 'coder')");
    run("INSERT INTO tasks VALUES (1, 'parse', 1.5, 'ada', 'n'), (2, 'print', 2.5, 'bob', 'n')");
    commit({PutEdge{{"KNOWS", {"Agent", "ada"}, {"Agent", "bob"}}, {}}});
  }

  Error refused_sql(std::string_view sql) {
    const auto before = lsn();
    const auto done = hive_->sql(sql);
    EXPECT_FALSE(done) << sql;
    EXPECT_EQ(lsn(), before);
    return done ? Error{} : done.error();
  }

  std::string nodes() { return graph("MATCH (n) RETURN label(n), n.id ORDER BY label(n), n.id"); }
  std::string assigned() {
    return graph("MATCH (t:Task)-[e:ASSIGNED_TO]->(a:Agent) RETURN t.id, a.id, e.effort ORDER BY t.id");
  }
  std::string leftovers() {
    if (testing::on_postgres())
      return all(
          "SELECT name FROM triune_schema_objects WHERE name LIKE '%Task%' OR name LIKE '%ASSIGNED%' OR name LIKE "
          "'%titles%' OR name LIKE '%\\_tasks\\_%'");
    return all(
        "SELECT name FROM sqlite_master WHERE name LIKE '%Task%' OR name LIKE '%ASSIGNED%' OR name LIKE "
        "'%titles%' OR tbl_name = 'tasks'");
  }

  EdgeMapping assigned_{.table = "tasks",
                        .type = "ASSIGNED_TO",
                        .from_column = "id",
                        .from_label = "Task",
                        .to_column = "agent",
                        .to_label = "Agent",
                        .properties = {"effort"}};
};

TEST_F(SchemaChanges, ADroppedTableIsForgottenEverywhere) {
  const auto before = lsn();
  run("DROP TABLE tasks");
  EXPECT_EQ(nodes(), "Agent ada Agent bob");
  EXPECT_EQ(assigned(), "");
  EXPECT_THAT(texts("parse"), HasSubstr("no text index"));
  EXPECT_EQ(leftovers(), "");
  EXPECT_EQ(logged("tasks", before), "delete 1 delete 2");
  EXPECT_EQ(graph("MATCH (:Agent)-[k:KNOWS]->(:Agent) RETURN count(*)"), "1");
  EXPECT_EQ(all("SELECT count(*) FROM triune_definitions"), "1");
  expect_verified();
}

TEST_F(SchemaChanges, ADroppedTableMayComeBackAsAnother) {
  run("DROP TABLE tasks");
  run("CREATE TABLE tasks (id TEXT PRIMARY KEY, agent TEXT)");
  ASSERT_TRUE(hive_->map_nodes({.table = "tasks", .label = "Task", .properties = {}}));
  run("INSERT INTO tasks VALUES ('x', 'ada')");
  EXPECT_EQ(nodes(), "Agent ada Agent bob Task x");
  reopen();
  run("INSERT INTO tasks VALUES ('y', 'bob')");
  EXPECT_EQ(nodes(), "Agent ada Agent bob Task x Task y");
  expect_verified();
}

TEST_F(SchemaChanges, DroppingATableOfNodesTakesTheirEdges) {
  run(testing::on_postgres() ? "DROP TABLE \"agents\"" : "DROP TABLE \"Agents\"");
  EXPECT_EQ(nodes(), "Task 1 Task 2");
  EXPECT_EQ(graph("MATCH ()-[e]->() RETURN count(*)"), "0");
  run("INSERT INTO tasks VALUES (3, 'later', 1, 'ada', '')");
  EXPECT_EQ(nodes(), "Task 1 Task 2 Task 3");
  expect_verified();
}

TEST_F(SchemaChanges, APlainTableIsDroppedAndATransactionMayTakeItBack) {
  run("CREATE TABLE plain (a INTEGER)");
  run("INSERT INTO plain VALUES (1)");
  run("DROP TABLE IF EXISTS plain");
  run("DROP TABLE IF EXISTS plain");
  EXPECT_EQ(refused_sql("DROP TABLE plain").code, ErrorCode::invalid_argument);
  {
    auto transaction = hive_->begin(Deadline::after(std::chrono::seconds(10))).value();
    const auto dropped = transaction->sql("DROP TABLE tasks");
    ASSERT_TRUE(dropped) << dropped.error().message;
    ASSERT_TRUE(transaction->rollback());
  }
  EXPECT_EQ(nodes(), "Agent ada Agent bob Task 1 Task 2");
  EXPECT_EQ(texts("parse"), "1");
  expect_verified();
}

TEST_F(SchemaChanges, ATableThatOthersReferToIsNotDropped) {
  run("CREATE TABLE steps (id INTEGER PRIMARY KEY, task INTEGER NOT NULL REFERENCES tasks (id))");
  run("INSERT INTO steps VALUES (1, 2)");
  EXPECT_EQ(refused_sql("DROP TABLE tasks").code, ErrorCode::conflict);
  EXPECT_EQ(nodes(), "Agent ada Agent bob Task 1 Task 2");
  run("INSERT INTO tasks VALUES (3, 'still mapped', 1, 'ada', '')");
  EXPECT_EQ(assigned(), "1 ada 1.5 2 bob 2.5 3 ada 1.0");
}

TEST_F(SchemaChanges, AUsersTriggersDoNotFireForATableThatGoes) {
  run("CREATE TABLE diary (what TEXT)");
  if (testing::on_postgres())
    shell(
        "CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO diary VALUES (old.title); "
        "RETURN NULL; END $$; CREATE TRIGGER remember AFTER DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION remember()");
  else
    run("CREATE TRIGGER remember AFTER DELETE ON tasks BEGIN INSERT INTO diary VALUES (old.title); END");
  run("DROP TABLE tasks");
  EXPECT_EQ(all("SELECT count(*) FROM diary"), "0");
}

TEST_F(SchemaChanges, ARenamedTableKeepsItsMappings) {
  run("ALTER TABLE tasks RENAME TO jobs");
  run("INSERT INTO jobs VALUES (3, 'paint', 3.5, 'ada', '')");
  run("UPDATE jobs SET agent = 'ada' WHERE id = 2");
  EXPECT_EQ(nodes(), "Agent ada Agent bob Task 1 Task 2 Task 3");
  EXPECT_EQ(assigned(), "1 ada 1.5 2 ada 2.5 3 ada 3.5");
  EXPECT_EQ(texts("paint"), "3");
  run("CREATE TABLE tasks (id INTEGER PRIMARY KEY)");
  run("INSERT INTO tasks VALUES (100)");
  EXPECT_EQ(nodes(), "Agent ada Agent bob Task 1 Task 2 Task 3");
  reopen();
  run("DROP TABLE jobs");
  EXPECT_EQ(nodes(), "Agent ada Agent bob");
  expect_verified();
}

TEST_F(SchemaChanges, ARenamedColumnIsRenamedInWhatIsMadeOfIt) {
  run("ALTER TABLE tasks RENAME COLUMN title TO name");
  run("ALTER TABLE tasks RENAME COLUMN effort TO hours");
  run("ALTER TABLE tasks RENAME COLUMN agent TO doer");
  run("UPDATE tasks SET name = 'polish', doer = 'ada' WHERE id = 2");
  EXPECT_EQ(graph("MATCH (t:Task) RETURN t.name ORDER BY t.id"), "parse polish");
  EXPECT_EQ(graph("MATCH (:Task)-[e:ASSIGNED_TO]->(a:Agent) RETURN a.id, e.hours ORDER BY e.hours"), "ada 1.5 ada 2.5");
  EXPECT_EQ(texts("parse"), "1");
  EXPECT_EQ(texts("polish"), "2");
  expect_verified();
}

TEST_F(SchemaChanges, AnAddedColumnBecomesAPropertyWhereAllColumnsAre) {
  run("ALTER TABLE agents ADD COLUMN level INTEGER DEFAULT 3");
  EXPECT_EQ(graph("MATCH (a:Agent) RETURN a.id, a.level ORDER BY a.id"), "ada 3 bob 3");
  run("UPDATE agents SET level = 5 WHERE id = 'ada'");
  EXPECT_EQ(graph("MATCH (a:Agent) RETURN a.level ORDER BY a.id"), "5 3");
  EXPECT_EQ(graph("MATCH (:Agent)-[k:KNOWS]->(:Agent) RETURN count(*)"), "1");
  expect_verified();
}

TEST_F(SchemaChanges, ADroppedColumnLeavesTheProperties) {
  run("ALTER TABLE agents DROP COLUMN role");
  run("ALTER TABLE tasks DROP COLUMN note");
  EXPECT_EQ(graph("MATCH (a:Agent) WHERE a.role IS NULL RETURN count(*)"), "2");
  EXPECT_EQ(assigned(), "1 ada 1.5 2 bob 2.5");
  expect_verified();
}

TEST_F(SchemaChanges, AColumnThatAMappingNamesStays) {
  const auto error = refused_sql("ALTER TABLE tasks DROP COLUMN effort");
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_THAT(error.message, HasSubstr("edge type ASSIGNED_TO"));
  EXPECT_THAT(refused_sql("ALTER TABLE tasks DROP COLUMN title").message, HasSubstr("title"));
  run("UPDATE tasks SET effort = 9 WHERE id = 1");
  EXPECT_EQ(assigned(), "1 ada 9.0 2 bob 2.5");
  expect_verified();
}

TEST_F(SchemaChanges, AnOwnerTableIsFollowedAndMayGo) {
  ASSERT_TRUE(hive_->create_collection({.name = "v", .dimension = 2, .owner_table = "agents"}));
  commit({PutVector{"v", "ada", {1, 0}, {{"kind", "x"}}}});
  const auto found = [&](const std::string& where) {
    const auto hits = hive_->search({.collection = "v", .query = std::vector<float>{1, 0}, .where = where});
    return hits ? std::to_string(hits->hits.size()) : hits.error().message;
  };
  EXPECT_EQ(found("role = 'reviewer'"), "1");
  run("ALTER TABLE agents RENAME TO people");
  EXPECT_EQ(found("role = 'reviewer'"), "1");
  run("DROP TABLE people");
  EXPECT_EQ(found("kind = 'x'"), "1");
  EXPECT_THAT(found("role = 'reviewer'"), HasSubstr("role"));
}

TEST_F(SchemaChanges, OfAnotherProgramAreSeenWhenTheHiveOpens) {
  ASSERT_TRUE(hive_->close());
  shell("ALTER TABLE tasks RENAME TO jobs; DROP TABLE agents; CREATE TABLE extra (id INTEGER PRIMARY KEY)");
  reopen();
  EXPECT_EQ(nodes(), "Task 1 Task 2");
  run("INSERT INTO jobs VALUES (3, 'paint', 3.5, 'ada', '')");
  run("INSERT INTO extra VALUES (1)");
  commit({PutNode{{"Agent", "ada"}, {}}});
  EXPECT_EQ(assigned(), "1 ada 1.5 3 ada 3.5");
  expect_verified();
}

TEST_F(SchemaChanges, OfAnotherProgramWhileTheHiveIsOpenStopNoCommit) {
  shell("DROP TABLE tasks; DROP TABLE agents");
  commit({PutNode{{"Robot", "r1"}, {}}, PutNode{{"Robot", "r2"}, {}},
          PutEdge{{"MEETS", {"Robot", "r1"}, {"Robot", "r2"}}, {}}});
  EXPECT_EQ(graph("MATCH (:Robot)-[m:MEETS]->(:Robot) RETURN count(*)"), "1");
  // PostgreSQL does not tell of it; the hive looks every few seconds.
  const auto patience = Deadline::after(std::chrono::seconds(30));
  while (testing::on_postgres() && all("SELECT count(*) FROM triune_definitions") != "0" && !patience.expired())
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(graph("MATCH (t:Task) RETURN count(*)"), "0") << "what came from the table went with it (I6)";
  expect_verified();
}

TEST_F(SchemaChanges, ATableThatAnotherProgramMadeAnewIsFollowed) {
  hive_.reset();
  shell(
      "DROP TABLE tasks; CREATE TABLE tasks (id INTEGER PRIMARY KEY, title TEXT, effort REAL, agent TEXT, note TEXT); "
      "INSERT INTO tasks VALUES (8, 'another', 4.5, 'bob', 'note')");
  reopen();
  EXPECT_EQ(nodes(), "Agent ada Agent bob Task 8");
  EXPECT_EQ(assigned(), "8 bob 4.5");
  run("INSERT INTO tasks VALUES (9, 'later', 5.5, 'ada', '')");
  EXPECT_EQ(assigned(), "8 bob 4.5 9 ada 5.5");
  EXPECT_EQ(texts("another"), "8");
  expect_verified();
}

TEST_F(SchemaChanges, ATableUnderTheNameOfOneThatAnotherProgramRenamedIsCaptured) {
  hive_.reset();
  shell("ALTER TABLE tasks RENAME TO jobs; CREATE TABLE tasks (id INTEGER PRIMARY KEY)");
  reopen();
  const auto before = lsn();
  run("INSERT INTO tasks VALUES (100)");
  EXPECT_EQ(logged("tasks", before), "put 100");
  run("INSERT INTO jobs VALUES (3, 'paint', 3.5, 'ada', '')");
  EXPECT_EQ(nodes(), "Agent ada Agent bob Task 1 Task 2 Task 3");
  EXPECT_EQ(texts("paint"), "3");
  expect_verified();
}

TEST_F(SchemaChanges, AColumnThatAnotherProgramTookAwayStopsNoWrite) {
  if (!testing::on_postgres()) GTEST_SKIP() << "SQLite refuses to drop a column that a trigger names";
  hive_.reset();
  shell("ALTER TABLE tasks DROP COLUMN effort");
  reopen();
  run("INSERT INTO tasks VALUES (3, 'paint', 'ada', '')");
  EXPECT_EQ(graph("MATCH (t:Task)-[e:ASSIGNED_TO]->(a:Agent) RETURN t.id, a.id ORDER BY t.id"), "1 ada 2 bob 3 ada");
  expect_verified();
}

TEST_F(SchemaChanges, OpeningAgainChangesNothing) {
  reopen();
  const auto* const sql = testing::on_postgres() ? "SELECT value FROM triune_hive WHERE key = 'kept_schema'"
                                                 : "SELECT schema_version FROM pragma_schema_version";
  const auto version = all(sql);
  const auto head = lsn();
  reopen();
  EXPECT_EQ(all(sql), version);
  EXPECT_EQ(lsn(), head);
}

TEST_F(SchemaChanges, AStatementThatWritesHasAReceipt) {
  const auto before = lsn();
  const auto written = hive_->execute("INSERT INTO agents VALUES ('cy', 'tester')");
  ASSERT_TRUE(written) << written.error().message;
  ASSERT_TRUE(written->receipt);
  EXPECT_EQ(written->receipt->lsn, lsn());
  EXPECT_EQ(written->receipt->changes, 2U) << "the row and its node";
  EXPECT_GE(written->receipt->lsn, before + (testing::on_postgres() ? 1 : 2)) << "two entries, or one transaction";
  ReadOptions options;
  options.consistency = Consistency::at_least(written->receipt->token());
  EXPECT_EQ(hive_->cypher("MATCH (a:Agent {id: 'cy'}) RETURN a.role", {}, options).value().rows.size(), 1U);
  EXPECT_FALSE(hive_->execute("SELECT 1").value().receipt);
}

}  // namespace
}  // namespace triune
