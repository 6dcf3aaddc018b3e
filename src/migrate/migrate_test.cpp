#include "migrate/migrate.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "adapters/builtin.h"
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
  ASSERT_TRUE(apply(*store_, one, soon()));
  ASSERT_TRUE(apply(*store_, both, soon()));
  ASSERT_TRUE(apply(*store_, both, soon()));
  EXPECT_EQ(count("SELECT * FROM one"), 1U);
  EXPECT_EQ(count("SELECT * FROM triune_migrations"), 2U);
}

TEST_F(MigrateTest, RefusesAMigrationThatWasEditedAfterwards) {
  const std::array original{first};
  const std::array changed{edited};
  ASSERT_TRUE(apply(*store_, original, soon()));
  const auto refused = apply(*store_, changed, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_NE(refused.error().message.find("0001_one.sql"), std::string::npos);
}

TEST_F(MigrateTest, RefusesAStoreThatANewerProgramWrote) {
  const std::array both{first, second};
  const std::array old{first};
  ASSERT_TRUE(apply(*store_, both, soon()));
  const auto refused = apply(*store_, old, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
}

TEST_F(MigrateTest, AFailingMigrationLeavesNothingBehind) {
  const std::array migrations{first, broken};
  const auto failed = apply(*store_, migrations, soon());
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().message.find("0002_broken.sql"), std::string::npos);
  EXPECT_EQ(count("SELECT * FROM sqlite_master WHERE name = 'half'"), 0U);
  EXPECT_EQ(count("SELECT * FROM triune_migrations"), 1U);
  const std::array mended{first, second};
  EXPECT_TRUE(apply(*store_, mended, soon()));
}

TEST_F(MigrateTest, TheHivesOwnMigrationsApplyTwice) {
  ASSERT_TRUE(apply(*store_, migrations(contract::Dialect::sqlite), soon()));
  ASSERT_TRUE(apply(*store_, migrations(contract::Dialect::sqlite), soon()));
  EXPECT_EQ(count("SELECT * FROM triune_migrations"), migrations(contract::Dialect::sqlite).size());
}

}  // namespace
}  // namespace triune::migrate
