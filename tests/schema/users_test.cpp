// Users' migrations on an opened hive, of either store.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "hive/schema_runner.h"
#include "migrate/files.h"
#include "migrate/plan.h"
#include "migrate/scratch.h"
#include "schema/user_fixture.h"

namespace triune::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class UserMigrations : public UserFixture {};

TEST_F(UserMigrations, AreAppliedOnceAndRecorded) {
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY, title TEXT);", "DROP TABLE tasks;");
  EXPECT_EQ(apply().value().size(), 1U);
  EXPECT_EQ(apply().value().size(), 0U);
  const auto record = migrate::history(runner().store, "user", soon()).value().at(0);
  EXPECT_EQ(record.name, "tasks");
  EXPECT_THAT(record.applied_by, HasSubstr("@"));
}

TEST_F(UserMigrations, KeepCaptureAndMappingsUp) {
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY, title TEXT);", "DROP TABLE tasks;");
  ASSERT_TRUE(apply());
  ASSERT_TRUE(hive().map_nodes({.table = "tasks", .label = "Task"}));
  ASSERT_TRUE(hive().sql("INSERT INTO tasks (id, title) VALUES (1, 'one')"));
  pair("0002_owner", "ALTER TABLE tasks ADD COLUMN owner TEXT;", "ALTER TABLE tasks DROP COLUMN owner;");
  ASSERT_TRUE(apply());
  ASSERT_TRUE(hive().sql("UPDATE tasks SET owner = 'ada' WHERE id = 1"));
  const auto counted = hive().sql("SELECT count(*) FROM triune_change_log WHERE operation = 'put'");
  EXPECT_GE(std::get<std::int64_t>(counted.value().rows.at(0).at(0)), 2)
      << "the table is captured, and the node follows";
  EXPECT_TRUE(hive().get_node({"Task", "1"}));
  EXPECT_THAT(drift(), IsEmpty()) << "what is kept on the table is no drift";
}

TEST_F(UserMigrations, AFailingOneLeavesNothingAndNamesItsLine) {
  pair("0001_half", "CREATE TABLE half (id BIGINT PRIMARY KEY);\n\nCREATE TABLE half (id BIGINT PRIMARY KEY);",
       "DROP TABLE half;");
  const auto failed = apply();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("0001_half.up.sql: line 3"));
  EXPECT_FALSE(hive().sql("SELECT * FROM half"));
  EXPECT_TRUE(migrate::history(runner().store, "user", soon()).value().empty());
}

TEST_F(UserMigrations, CannotWriteWhatIsTriunes) {
  for (const auto* const text : {"DELETE FROM triune_schema_history;", "DROP TABLE triune_nodes;",
                                 "CREATE TABLE triune_mine (id BIGINT PRIMARY KEY);", "COMMIT;"}) {
    pair("0001_bad", text, "SELECT 1;");
    const auto refused = apply();
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, ErrorCode::permission_denied) << refused.error().message;
  }
}

TEST_F(UserMigrations, AnEditedOneIsRefusedAndShownInTheStatus) {
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY);", "DROP TABLE tasks;");
  ASSERT_TRUE(apply());
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY, more TEXT);", "DROP TABLE tasks;");
  EXPECT_EQ(apply().error().code, ErrorCode::conflict);
  const auto states = migrate::status(runner().store, "user", files().migrations, soon()).value();
  EXPECT_EQ(states.at(0).state, migrate::MigrationState::State::edited);
}

TEST_F(UserMigrations, AreRevertedByTheTextOfTheirTime) {
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY);", "DROP TABLE tasks;");
  ASSERT_TRUE(apply());
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY);", "DROP TABLE nothing_like_it;");
  ASSERT_EQ(migrate::revert(runner(), "user", 0, soon()).value().size(), 1U);
  EXPECT_FALSE(hive().sql("SELECT * FROM tasks"));
}

TEST_F(UserMigrations, TryingThemLeavesNothing) {
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY);", "DROP TABLE tasks;");
  ASSERT_TRUE(migrate::try_pending(runner(), "user", files().migrations, soon()));
  EXPECT_FALSE(hive().sql("SELECT * FROM tasks"));
  pair("0002_bad", "CREATE TABLE tasks (id BIGINT PRIMARY KEY);", "DROP TABLE tasks;");
  const auto failed = migrate::try_pending(runner(), "user", files().migrations, soon());
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().message, HasSubstr("0002_bad.up.sql:1"));
}

TEST_F(UserMigrations, APlanSaysWhatWouldBeLockedAndHowManyRowsThereAre) {
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY);", "DROP TABLE tasks;");
  ASSERT_TRUE(apply());
  pair("0002_index", "CREATE INDEX tasks_by_id ON tasks (id);", "DROP INDEX tasks_by_id;");
  const auto planned = migrate::plan(runner().store, "user", files().migrations, soon()).value();
  ASSERT_EQ(planned.size(), 1U);
  EXPECT_EQ(planned[0].statements.at(0).table, "tasks");
  EXPECT_EQ(planned[0].statements.at(0).lock, on_postgres() ? "ShareLock" : "writer");
  EXPECT_TRUE(planned[0].statements.at(0).rows.has_value());
  EXPECT_EQ(planned[0].findings.size(), on_postgres() ? 1U : 0U);
}

TEST_F(UserMigrations, WhatMustRunOutsideOfATransactionDoes) {
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY, title TEXT);", "DROP TABLE tasks;");
  const std::string concurrently = on_postgres() ? "CONCURRENTLY " : "";
  pair("0002_index", "-- triune: no-transaction\nCREATE INDEX " + concurrently + "tasks_by_title ON tasks (title);",
       "DROP INDEX tasks_by_title;");
  const auto applied = apply();
  ASSERT_TRUE(applied) << applied.error().message;
  EXPECT_EQ(applied->size(), 2U);
  EXPECT_THAT(drift(), IsEmpty());
  if (!on_postgres()) return;
  pair("0003_bad", "-- triune: no-transaction\nDROP TABLE tasks;", "SELECT 1;");
  EXPECT_EQ(apply().error().code, ErrorCode::permission_denied);
}

TEST_F(UserMigrations, DriftNamesEachDifferenceAndWhatMendsIt) {
  pair("0001_tasks",
       "CREATE TABLE tasks (id BIGINT PRIMARY KEY, title TEXT);\nCREATE INDEX tasks_by_title ON tasks (title);",
       "DROP TABLE tasks;");
  ASSERT_TRUE(apply());
  EXPECT_THAT(drift(), IsEmpty());
  ASSERT_TRUE(hive().sql("ALTER TABLE tasks ADD COLUMN extra TEXT"));
  ASSERT_TRUE(hive().sql("DROP INDEX tasks_by_title"));
  EXPECT_THAT(drift(),
              ::testing::UnorderedElementsAre("extra column tasks.extra", "missing index tasks_by_title of tasks"));
  const auto found = migrate::find_drift(runner().store, migrate::Owner::users, soon()).value();
  for (const auto& one : found) {
    ASSERT_FALSE(one.mend.empty());
    const auto mended = hive().sql(one.mend.substr(0, one.mend.size() - 1));
    EXPECT_TRUE(mended) << one.mend << ": " << mended.error().message;
  }
  EXPECT_THAT(drift(), IsEmpty());
}

TEST_F(UserMigrations, VerifyTextsMustReturnNothing) {
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY, title TEXT);", "DROP TABLE tasks;");
  write("0001_tasks.verify.sql", "SELECT id FROM tasks WHERE title IS NULL;\nSELECT 1 FROM tasks WHERE id < 0;\n");
  ASSERT_TRUE(apply());
  const auto verified = [&] {
    return migrate::verify(runner().store, "user", files().migrations, contract::ReadScope::user, soon()).value();
  };
  EXPECT_THAT(verified().wrong, IsEmpty());
  ASSERT_TRUE(hive().sql("INSERT INTO tasks (id) VALUES (7)"));
  EXPECT_THAT(verified().wrong, ElementsAre("0001_tasks.verify.sql:1: returns 1 rows, the first (7)"));
}

TEST_F(UserMigrations, ADownTextThatForgetsSomethingIsFoundOnACopyWithRows) {
  pair("0001_tasks", "CREATE TABLE tasks (id BIGINT PRIMARY KEY, title TEXT);", "DROP TABLE tasks;");
  ASSERT_TRUE(apply());
  ASSERT_TRUE(hive().sql("INSERT INTO tasks (id, title) VALUES (1, 'one'), (2, 'two')"));
  pair("0002_more", "ALTER TABLE tasks ADD COLUMN owner TEXT;\nCREATE INDEX tasks_by_title ON tasks (title);",
       "ALTER TABLE tasks DROP COLUMN owner;");
  const auto tried = migrate::try_up_down_up(runner().store, files().migrations, 1, migrate::Owner::users, 100, soon());
  ASSERT_TRUE(tried) << tried.error().message;
  EXPECT_THAT(tried->wrong, ElementsAre("0002_more.down.sql: index tasks_by_title of tasks is extra"));
  pair("0002_more", "ALTER TABLE tasks ADD COLUMN owner TEXT;", "SELECT 1;");
  const auto forgot =
      migrate::try_up_down_up(runner().store, files().migrations, 1, migrate::Owner::users, 100, soon());
  ASSERT_TRUE(forgot) << forgot.error().message;
  EXPECT_THAT(forgot->wrong, ElementsAre("0002_more.down.sql: column tasks.owner is extra"));
  pair("0002_more", "ALTER TABLE tasks ADD COLUMN owner TEXT;", "ALTER TABLE tasks DROP COLUMN owner;");
  const auto right = migrate::try_up_down_up(runner().store, files().migrations, 1, migrate::Owner::users, 100, soon());
  ASSERT_TRUE(right) << right.error().message;
  EXPECT_EQ(right->rows, 2U);
  EXPECT_THAT(right->wrong, IsEmpty());
}

TEST_F(UserMigrations, FilesThatDoNotAddUpAreRefusedByName) {
  pair("0001_tasks", "SELECT 1;", "SELECT 1;");
  const auto message = [&] {
    const auto read = migrate::read_files(directory(), dialect());
    return read ? std::string() : read.error().message;
  };
  EXPECT_EQ(message(), "");
  pair("0003_hole", "SELECT 1;", "SELECT 1;");
  EXPECT_THAT(message(), HasSubstr("number 0002 is missing"));
  pair("0001_twice", "SELECT 1;", "SELECT 1;");
  EXPECT_THAT(message(), HasSubstr("is also that of"));
  remove("0001_twice");
  remove("0003_hole");
  write("0002_lonely.up.sql", "SELECT 1;");
  EXPECT_THAT(message(), HasSubstr("0002_lonely.down.sql: this file is missing"));
}

}  // namespace
}  // namespace triune::testing
