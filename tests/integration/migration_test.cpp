// An existing SQLite database goes into a hive and nothing is lost.
#include <algorithm>
#include <array>

#include "integration/migration_fixture.h"

namespace triune::testing {
namespace {

using Migration = MigrationTest;

/// A small application: agents, tasks that depend on each other, who works on what, embeddings.
std::string application() {
  return "CREATE TABLE agents(id TEXT PRIMARY KEY, name TEXT, embedding TEXT);"
         "CREATE TABLE tasks(id INTEGER PRIMARY KEY AUTOINCREMENT, title TEXT, agent TEXT REFERENCES agents(id),"
         " parent_id INTEGER REFERENCES tasks(id), depends_on TEXT);"
         "CREATE TABLE works(agent_id TEXT REFERENCES agents(id), task_id INTEGER REFERENCES tasks(id), role TEXT,"
         " PRIMARY KEY(agent_id, task_id)) WITHOUT ROWID;" +
         numbers(60) +
         "INSERT INTO agents SELECT 'a' || i, 'agent ' || i, (WITH RECURSIVE d(k) AS (SELECT 1 UNION ALL SELECT k + 1 "
         "FROM d WHERE k < 64) SELECT json_group_array(0.5 + i * k % 97 / 100.0) FROM d) FROM n;" +
         numbers(600) +
         "INSERT INTO tasks SELECT i, 'task ' || i, 'a' || (1 + i % 60), CASE WHEN i > 1 THEN i / 2 END, "
         "json_array(1 + i * 7 % 600, 1 + i * 13 % 600) FROM n;" +
         numbers(900) +
         "INSERT OR IGNORE INTO works SELECT 'a' || (1 + i * 31 % 60), 1 + i * 17 % 600, 'role' FROM n;"
         "CREATE VIEW open_tasks AS SELECT id, title FROM tasks WHERE parent_id IS NULL;"
         "CREATE TRIGGER titles AFTER INSERT ON tasks WHEN new.title IS NULL BEGIN"
         " UPDATE tasks SET title = 'untitled' WHERE id = new.id; END;";
}

/// What makes tables odd.
constexpr const char* odd_tables =
    "PRAGMA foreign_keys = OFF;"
    "CREATE TABLE \"Robert'); DROP TABLE x;--\"(\"a \"\"b\"\" c\" TEXT, [select] ANY, `where`, UNIQUE(`where`));"
    "CREATE TABLE pair(a TEXT COLLATE NOCASE, b BLOB, c REAL, PRIMARY KEY(b, a)) WITHOUT ROWID;"
    "CREATE TABLE strict_one(id INTEGER PRIMARY KEY, n INT, r REAL, t TEXT, b BLOB, y ANY) STRICT;"
    "CREATE TABLE calculated(id INTEGER PRIMARY KEY, a INT, twice AS (a * 2) STORED, shown TEXT AS ('<' || a || '>'));"
    "CREATE TABLE child(id INTEGER PRIMARY KEY, parent INTEGER REFERENCES mother(id), n INT);"
    "CREATE TABLE mother(id INTEGER PRIMARY KEY, favourite INTEGER REFERENCES child(id));"
    "CREATE TABLE counted(id INTEGER PRIMARY KEY AUTOINCREMENT, v);"
    "CREATE TABLE descending(id INTEGER PRIMARY KEY DESC, v);"
    "CREATE TABLE hidden(rowid TEXT, _rowid_ TEXT, oid TEXT);"
    "CREATE TABLE empty(a, b DEFAULT 7);"
    "CREATE VIRTUAL TABLE words USING fts5(body);"
    "INSERT INTO words VALUES ('full text');"
    "INSERT INTO \"Robert'); DROP TABLE x;--\" VALUES ('x', 1, 1.0), (x'00', '1', NULL), (NULL, '', x''), ('', 9e999, "
    "-9e999), (-0.0, 9223372036854775807, -9223372036854775808);"
    "INSERT INTO \"Robert'); DROP TABLE x;--\"(rowid, [select]) VALUES (-5, CAST(x'610062' AS TEXT)),"
    " (9223372036854775807, CAST(x'fffe' AS TEXT)), (77, x'fffe');"
    "INSERT INTO pair VALUES ('B', x'01', 1), ('a', x'01', -0.0), ('A2', CAST(x'ff' AS TEXT), NULL), ('z', 5, 2.5);"
    "INSERT INTO strict_one VALUES (1, 2, 3.0, 'four', x'05', 6), (2, NULL, NULL, NULL, NULL, '6');"
    "INSERT INTO calculated(id, a) VALUES (1, 21), (2, NULL);"
    "INSERT INTO child VALUES (1, 1, 5), (2, 404, 6); INSERT INTO mother VALUES (1, 2), (2, 405);"
    "INSERT INTO counted(v) VALUES ('one'), ('two'), ('three'); DELETE FROM counted WHERE id > 1;"
    "INSERT INTO descending VALUES (3, 'c'), (1, 'a'), (NULL, 'none');"
    "INSERT INTO hidden VALUES ('r', '_', 'o'), ('r', '_', 'o');"
    "CREATE INDEX by_length ON child(abs(n)) WHERE n > 1; CREATE UNIQUE INDEX once ON mother(favourite);"
    "PRAGMA ignore_check_constraints = ON;"
    "CREATE TABLE checked(n INT CHECK (n < 10), m NOT NULL); INSERT INTO checked VALUES (99, 1), (1, 2);";

TEST_F(Migration, TakesOddTablesExactlyAsTheyAre) {
  if (on_postgres()) GTEST_SKIP() << "migration_server_test has what a server makes of them";
  make(odd_tables);
  const auto before = bytes();
  const auto plan = planned();
  const auto report = applied(plan);
  EXPECT_EQ(report.state, "finished") << differences(report.verification);
  EXPECT_EQ(differences(report.verification), "");
  EXPECT_EQ(report.verification.tables.size(), 11U);
  EXPECT_EQ(bytes(), before);
  EXPECT_EQ(rows("SELECT rowid, typeof([select]), hex([select]) FROM \"Robert'); DROP TABLE x;--\" WHERE rowid < 0 OR "
                 "rowid > 70 ORDER BY 1"),
            "-5|text|610062\n77|blob|FFFE\n9223372036854775807|text|FFFE\n");
  EXPECT_EQ(rows("SELECT seq FROM sqlite_sequence WHERE name = 'counted'"), "3\n");
  EXPECT_EQ(rows("SELECT shown, twice FROM calculated WHERE id = 1"), "<21>|42\n");
  EXPECT_EQ(rows("SELECT count(*) FROM child WHERE parent = 404"), "1\n");
  EXPECT_EQ(rows("SELECT count(*) FROM sqlite_schema WHERE name IN ('by_length', 'once')"), "2\n");
  ASSERT_FALSE(report.left_out.empty());
  EXPECT_EQ(report.left_out[0].name, "words");
}

TEST_F(Migration, GoesOnLookingAtConstraintsAfterwards) {
  make(odd_tables);
  EXPECT_EQ(applied(planned()).state, "finished");
  EXPECT_EQ(hive().sql("INSERT INTO checked VALUES (99, 1)").error().code, ErrorCode::conflict);
  EXPECT_EQ(hive().sql("INSERT INTO child VALUES (3, 404, 6)").error().code, ErrorCode::conflict);
}

TEST_F(Migration, MakesNodesEdgesAndVectorsOfRowsListsAndJson) {
  make(application());
  const auto before = bytes();
  const auto report = applied(planned());
  EXPECT_EQ(report.state, "finished");
  EXPECT_EQ(differences(report.verification), "");
  EXPECT_EQ(report.verification.parts.size(), 6U);
  EXPECT_EQ(rows("SELECT count(*) FROM triune_nodes"), "660\n");
  const auto dependent = hive().neighbors({.node = {"tasks", "8"}, .type = "DEPENDS_ON"});
  ASSERT_TRUE(dependent) << dependent.error().message;
  EXPECT_EQ(dependent->value.size(), 2U);
  const auto found = hive().search({.collection = "agents_embedding", .query = std::string("a7"), .count = 1});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->hits.at(0).id, "a7");
  EXPECT_EQ(rows("SELECT title FROM open_tasks"), "task 1\n");
  // The application goes on: its trigger runs where the engine has its language, and what it writes is in the graph.
  ASSERT_TRUE(hive().sql("INSERT INTO tasks(parent_id) VALUES (600)"));
  EXPECT_EQ(rows("SELECT id, coalesce(title, '-') FROM tasks WHERE id > 600"),
            on_postgres() ? "601|-\n" : "601|untitled\n");
  EXPECT_EQ(hive().neighbors({.node = {"tasks", "601"}, .type = "PARENT"})->value.size(), 1U);
  EXPECT_TRUE(hive().verify()->ok);
  EXPECT_EQ(bytes(), before);
}

TEST_F(Migration, AppliedTwiceChangesNothing) {
  make(application());
  const auto plan = planned();
  applied(plan);
  const auto lsn = hive().receipt()->lsn;
  const auto again = applied(plan);
  EXPECT_TRUE(again.finished_before);
  EXPECT_EQ(hive().receipt()->lsn, lsn);
}

TEST_F(Migration, NeedsSomebodyWhoApproves) {
  make(application());
  auto options = approved();
  options.approved_by.clear();
  const auto error = refused(planned(), options);
  EXPECT_EQ(error.code, ErrorCode::invalid_argument);
  EXPECT_NE(error.message.find("--approved-by"), std::string::npos) << error.message;
  EXPECT_EQ(objects_called("tasks"), "0\n");
}

TEST_F(Migration, NoticesThatTheSourceChangedSinceThePlan) {
  make(application());
  const auto plan = planned();
  make("DELETE FROM works WHERE task_id = 18");
  const auto error = refused(plan);
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_NE(error.message.find("works had"), std::string::npos) << error.message;
  auto options = approved();
  options.accept_changes = true;
  EXPECT_EQ(applied(plan, options).state, "finished");
}

TEST_F(Migration, NeverAcceptsOtherDefinitions) {
  make(application());
  const auto plan = planned();
  make("ALTER TABLE tasks ADD COLUMN note TEXT");
  auto options = approved();
  options.accept_changes = true;
  EXPECT_EQ(refused(plan, options).code, ErrorCode::conflict);
}

TEST_F(Migration, DoesNotTouchTablesThatAreThere) {
  make(application());
  // Names differ by case in PostgreSQL alone.
  const std::string tasks = on_postgres() ? "tasks" : "Tasks";
  ASSERT_TRUE(hive().sql("CREATE TABLE " + tasks + "(mine TEXT)"));
  ASSERT_TRUE(hive().sql("INSERT INTO " + tasks + " VALUES ('kept')"));
  const auto error = refused(planned());
  EXPECT_EQ(error.code, ErrorCode::conflict);
  EXPECT_NE(error.message.find("\"tasks\" already"), std::string::npos) << error.message;
  EXPECT_EQ(rows("SELECT mine FROM tasks"), "kept\n");
}

TEST_F(Migration, StopsAfterAPhaseAndGoesOnWithAnotherCall) {
  make(application());
  const auto plan = planned();
  auto options = approved();
  for (const auto& phase : legacy::phases()) {
    options.stop_after = phase;
    const auto report = applied(plan, options);
    EXPECT_EQ(report.state, phase == "verify" ? "finished" : "running") << phase;
    EXPECT_EQ(report.resumed, phase != "copy");
    close();
  }
  EXPECT_TRUE(applied(plan).finished_before);
}

TEST_F(Migration, RefusesAnotherPlanWhileOneRuns) {
  make(application());
  auto plan = planned();
  auto options = approved();
  options.stop_after = "copy";
  applied(plan, options);
  plan.tables[0].reasons.emplace_back("edited");
  EXPECT_EQ(refused(plan).code, ErrorCode::conflict);
}

TEST_F(Migration, FindsForgedRowsByBisection) {
  make(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b REAL); CREATE TABLE k(x TEXT, y TEXT, v, PRIMARY KEY(x, y)) "
      "WITHOUT ROWID;" +
      numbers(5000) + "INSERT INTO t SELECT i * 3, 'text ' || i, i / 8.0 FROM n;" + numbers(3000) +
      "INSERT INTO k SELECT i % 7, i, 0.0 FROM n");
  const auto plan = planned();
  auto options = approved();
  options.stop_after = "copy";
  applied(plan, options);
  // PostgreSQL takes -0.0 for a number of another type, which has no such zero.
  const std::string zero = on_postgres() ? "CAST('-0' AS double precision)" : "-0.0";
  for (const std::string& forgery :
       {std::string("UPDATE t SET a = 'Text 700' WHERE id = 2100"), std::string("DELETE FROM t WHERE id = 9000"),
        std::string("INSERT INTO t VALUES (10, 'extra', 0)"), "UPDATE k SET v = " + zero + " WHERE y = '1234'"})
    ASSERT_TRUE(hive().sql(forgery)) << forgery;
  options.stop_after.clear();
  const auto report = applied(plan, options);
  EXPECT_EQ(report.state, "running");
  const auto found = differences(report.verification);
  EXPECT_NE(found.find("changed id 2100\n"), std::string::npos) << found;
  EXPECT_NE(found.find("missing id 9000\n"), std::string::npos) << found;
  EXPECT_NE(found.find("extra id 10\n"), std::string::npos) << found;
  EXPECT_NE(found.find("changed (x, y) = (2, 1234)\n"), std::string::npos) << found;
  EXPECT_EQ(std::count(found.begin(), found.end(), '\n'), 6);
  // Mended, the same plan ends.
  for (const char* mend :
       {"UPDATE t SET a = 'text 700' WHERE id = 2100", "INSERT INTO t VALUES (9000, 'text 3000', 375.0)",
        "DELETE FROM t WHERE id = 10", "UPDATE k SET v = 0.0 WHERE y = '1234'"})
    ASSERT_TRUE(hive().sql(mend)) << mend;
  EXPECT_EQ(applied(plan, options).state, "finished");
}

TEST_F(Migration, IsTakenBackWithoutATrace) {
  make(application());
  ASSERT_TRUE(hive().sql("CREATE TABLE mine(id INTEGER PRIMARY KEY)"));
  const std::string all_objects =
      on_postgres() ? "SELECT CAST(relkind AS text), relname FROM pg_class WHERE relnamespace = "
                      "to_regnamespace('public') ORDER BY 1, 2"
                    : "SELECT type, name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY 1, 2";
  const auto objects = rows(all_objects);
  const auto plan = planned();
  applied(plan);
  const auto report = taken_back();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->tables.size(), 3U);
  EXPECT_EQ(rows(all_objects), objects);
  EXPECT_EQ(rows("SELECT (SELECT count(*) FROM triune_nodes) + (SELECT count(*) FROM triune_edges) + "
                 "(SELECT count(*) FROM triune_vectors) + (SELECT count(*) FROM triune_definitions)"),
            "0\n");
  EXPECT_EQ(rows("SELECT event FROM triune_relocation_audit ORDER BY entry DESC LIMIT 1"), "rolled back\n");
  // And may be applied anew.
  EXPECT_EQ(applied(plan).state, "finished");
}

TEST_F(Migration, IsNotTakenBackWhenRowsChangedSince) {
  make(application());
  applied(planned());
  ASSERT_TRUE(hive().sql("UPDATE tasks SET title = 'new' WHERE id = 5"));
  const auto refusal = taken_back();
  ASSERT_FALSE(refusal);
  EXPECT_EQ(refusal.error().code, ErrorCode::conflict);
  EXPECT_NE(refusal.error().message.find("\"tasks\""), std::string::npos) << refusal.error().message;
  EXPECT_EQ(rows("SELECT title FROM tasks WHERE id = 5"), "new\n");
  EXPECT_TRUE(taken_back(true));
  EXPECT_EQ(objects_called("tasks"), "0\n");
}

TEST_F(Migration, AnUnfinishedOneIsTakenBackToo) {
  make(application());
  auto options = approved();
  options.stop_after = "graph";
  applied(planned(), options);
  const auto report = taken_back();
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(rows("SELECT count(*) FROM triune_nodes"), "0\n");
  EXPECT_EQ(taken_back().error().code, ErrorCode::not_found);
}

TEST_F(Migration, TakesWhatAWriterHasInItsLogAndLetsItGoOn) {
  ForeignProgram writer(source());
  writer.run("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; " + application());
  const auto main_file = bytes();
  const auto plan = planned();
  auto options = approved();
  bool wrote = false;
  options.progress = [&](std::string_view stage, std::uint64_t, std::uint64_t) {
    if (wrote || !stage.starts_with("copying")) return;
    wrote = true;
    writer.run("INSERT INTO tasks(title) VALUES ('later')");
  };
  const auto report = applied(plan, options);
  EXPECT_TRUE(wrote);
  EXPECT_EQ(report.state, "finished") << differences(report.verification);
  EXPECT_EQ(rows("SELECT count(*) FROM tasks"), "600\n");
  ASSERT_FALSE(report.remarks.empty());
  EXPECT_NE(report.remarks.back().find("was written to"), std::string::npos) << report.remarks.back();
  EXPECT_EQ(bytes(), main_file);
}

TEST_F(Migration, ReadsFilesThatAreNoDatabasesClearly) {
  std::ofstream(source()) << "this is encrypted, or nothing at all; it is long enough for a header of a hundred bytes "
                             "and more than that";
  const auto opened = legacy::LegacySource::open(adapters::builtin(), source());
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corruption);
}

TEST_F(Migration, LeavesTablesWithNamesOfTriuneBehind) {
  make("CREATE TABLE triune_nodes(x); CREATE TABLE fine(x); INSERT INTO fine VALUES (1)");
  auto plan = planned();
  ASSERT_FALSE(plan.left_out.empty());
  EXPECT_EQ(plan.left_out[0].name, "triune_nodes");
  EXPECT_EQ(applied(plan).state, "finished");
  plan.tables.push_back({.name = "triune_nodes"});
  EXPECT_EQ(refused(plan).code, ErrorCode::invalid_argument);
}

TEST_F(Migration, KeepsLargeValuesAsBlobsWhereThePlanSaysSo) {
  make(
      "CREATE TABLE d(id TEXT PRIMARY KEY, body TEXT); INSERT INTO d VALUES ('x', hex(zeroblob(600000))), ('y', "
      "'small')");
  auto plan = planned();
  ASSERT_EQ(plan.blobs.size(), 1U);
  EXPECT_FALSE(plan.blobs[0].apply);
  plan.blobs[0].apply = true;
  EXPECT_EQ(applied(plan).state, "finished");
  EXPECT_EQ(hive().get_blob("d", "x/body")->size(), 1'200'000U);
  EXPECT_EQ(rows("SELECT length(body) FROM d WHERE id = 'x'"), "1200000\n");
  ASSERT_TRUE(taken_back());
  EXPECT_EQ(hive().get_blob("d", "x/body").error().code, ErrorCode::not_found);
}

}  // namespace
}  // namespace triune::testing
