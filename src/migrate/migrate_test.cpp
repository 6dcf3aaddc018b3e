#include "migrate/migrate.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "adapters/builtin.h"
#include "migrate/history.h"
#include "migrate/migrator_lease.h"
#include "runtime/connection_pool.h"
#include "triune/ids.h"

namespace triune::migrate {
namespace {

class MigrateTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directories(directory_);
    auto opened = adapters::builtin().relational.at("sqlite")(
        {.path = directory_ / "test.db", .make_pool = runtime::make_connection_pool});
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  static Deadline soon() { return Deadline::after(std::chrono::seconds(30)); }

  std::size_t count(std::string_view sql) {
    return store_->read(contract::ReadScope::internal, soon()).value()->query(sql, {}, 100).value().rows.size();
  }

  std::filesystem::path directory_ = std::filesystem::temp_directory_path() / ("triune-test-" + new_id());
  std::unique_ptr<contract::RelationalStore> store_;
};

constexpr Migration first{1, "one", "CREATE TABLE one (a); INSERT INTO one VALUES (1);"};
constexpr Migration second{2, "two", "CREATE TABLE two (a);"};
constexpr Migration edited{1, "one", "CREATE TABLE one (a, b);"};
constexpr Migration broken{2, "broken", "CREATE TABLE half (a); CREATE TABLE one (a);"};

TEST_F(MigrateTest, AppliesEachOnceInOrder) {
  const std::array one{first};
  const std::array both{first, second};
  ASSERT_TRUE(apply(*store_, "test", one, soon()));
  ASSERT_TRUE(apply(*store_, "test", both, soon()));
  ASSERT_TRUE(apply(*store_, "test", both, soon()));
  EXPECT_EQ(count("SELECT * FROM one"), 1U);
  EXPECT_EQ(count("SELECT * FROM triune_schema_history"), 2U);
}

TEST_F(MigrateTest, RefusesAMigrationThatWasEditedAfterwards) {
  const std::array original{first};
  const std::array changed{edited};
  ASSERT_TRUE(apply(*store_, "test", original, soon()));
  const auto refused = apply(*store_, "test", changed, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_NE(refused.error().message.find("0001_one.up.sql"), std::string::npos);
}

TEST_F(MigrateTest, RefusesAStoreThatANewerProgramWrote) {
  const std::array both{first, second};
  const std::array old{first};
  ASSERT_TRUE(apply(*store_, "test", both, soon()));
  const auto refused = apply(*store_, "test", old, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
}

TEST_F(MigrateTest, AFailingMigrationLeavesNothingBehind) {
  const std::array migrations{first, broken};
  const auto failed = apply(*store_, "test", migrations, soon());
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("0002_broken.up.sql"), std::string::npos);
  EXPECT_EQ(count("SELECT * FROM sqlite_master WHERE name = 'half'"), 0U);
  EXPECT_EQ(count("SELECT * FROM triune_schema_history"), 1U);
  const std::array mended{first, second};
  EXPECT_TRUE(apply(*store_, "test", mended, soon()));
}

TEST_F(MigrateTest, SeriesAreIndependentOfEachOther) {
  const std::array one{first};
  const std::array other{Migration{1, "other", "CREATE TABLE other (a);"}};
  ASSERT_TRUE(apply(*store_, "one", one, soon()));
  ASSERT_TRUE(apply(*store_, "other", other, soon()));
  EXPECT_EQ(count("SELECT * FROM triune_schema_history"), 2U);
  EXPECT_EQ(history(*store_, "other", soon()).value().at(0).name, "other");
}

TEST_F(MigrateTest, RevertsWithTheTextThatWasRecorded) {
  const std::array pairs{Migration{1, "one", "CREATE TABLE one (a);", "DROP TABLE one;"},
                         Migration{2, "two", "CREATE TABLE two (a);", "DROP TABLE two;"}};
  const Runner runner{.store = *store_, .transaction = {}, .run = {}};
  ASSERT_EQ(apply(runner, "test", pairs, soon()).value().size(), 2U);
  ASSERT_EQ(revert(runner, "test", 1, soon()).value().size(), 1U);
  EXPECT_EQ(count("SELECT * FROM sqlite_master WHERE name = 'two'"), 0U);
  EXPECT_EQ(count("SELECT * FROM sqlite_master WHERE name = 'one'"), 1U);
  ASSERT_EQ(apply(runner, "test", pairs, soon()).value().size(), 1U);
}

TEST_F(MigrateTest, RevertsNothingWhenOneOfThemHasNoDownText) {
  const std::array some{Migration{1, "one", "CREATE TABLE one (a);"},
                        Migration{2, "two", "CREATE TABLE two (a);", "DROP TABLE two;"}};
  const Runner runner{.store = *store_, .transaction = {}, .run = {}};
  ASSERT_TRUE(apply(runner, "test", some, soon()));
  const auto refused = revert(runner, "test", 0, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(count("SELECT * FROM triune_schema_history"), 2U);
}

TEST_F(MigrateTest, TakesTheRecordsOfEarlierProgramsOver) {
  const auto own = migrations(contract::Dialect::sqlite);
  ASSERT_TRUE(store_->write(
      [&](contract::RelationalSession& session) -> Status {
        auto made = session.execute_script(
            "CREATE TABLE triune_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, "
            "applied_at TEXT NOT NULL)");
        if (made) made = session.execute_script(own[0].sql);
        if (!made) return made;
        const std::array<Value, 3> parameters{std::string(own[0].name), checksum(own[0].sql),
                                              std::string("2026-01-01T00:00:00Z")};
        const auto added = session.execute("INSERT INTO triune_migrations VALUES (1, ?1, ?2, ?3)", parameters);
        return added ? Status() : std::unexpected(added.error());
      },
      soon()));
  ASSERT_TRUE(apply(*store_, "hive", own, soon()));
  const auto records = history(*store_, "hive", soon()).value();
  ASSERT_EQ(records.size(), own.size());
  EXPECT_EQ(records[0].applied_at, "2026-01-01T00:00:00Z");
  EXPECT_EQ(records[0].down, own[0].down);
  // What an earlier program asks; it refuses versions that it does not know.
  EXPECT_EQ(count("SELECT version, name, checksum FROM triune_migrations ORDER BY version"), own.size());
}

TEST_F(MigrateTest, AHolderThatStalledIsRefusedOnceAnotherTookOver) {
  ASSERT_TRUE(prepare_history(*store_, soon()));
  const auto stalled = MigratorLease::acquire(*store_, soon(), std::chrono::milliseconds(1));
  ASSERT_TRUE(stalled);
  const auto next = MigratorLease::acquire(*store_, soon());
  ASSERT_TRUE(next) << next.error().message;
  EXPECT_GT(next->token(), stalled->token());
  const auto refused = stalled->renew(soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_TRUE(next->renew(soon()));
}

TEST_F(MigrateTest, AHolderAtWorkIsWaitedForAndNamed) {
  ASSERT_TRUE(prepare_history(*store_, soon()));
  const auto holder = MigratorLease::acquire(*store_, soon());
  ASSERT_TRUE(holder);
  const auto late = MigratorLease::acquire(*store_, Deadline::after(std::chrono::milliseconds(500)));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ErrorCode::deadline_exceeded);
  EXPECT_NE(late.error().message.find("process"), std::string::npos);
}

TEST_F(MigrateTest, TheHivesOwnMigrationsApplyTwice) {
  const auto own = migrations(contract::Dialect::sqlite);
  ASSERT_TRUE(apply(*store_, "hive", own, soon()));
  ASSERT_TRUE(apply(*store_, "hive", own, soon()));
  EXPECT_EQ(count("SELECT * FROM triune_schema_history"), own.size());
}

TEST_F(MigrateTest, EveryEmbeddedMigrationCanBeReverted) {
  for (const auto dialect : {contract::Dialect::sqlite, contract::Dialect::postgres})
    for (const auto series : series_names(dialect))
      for (const auto& one : migrations(dialect, series))
        EXPECT_FALSE(one.down.empty()) << series << " " << stem(one.version, one.name);
}

}  // namespace
}  // namespace triune::migrate
