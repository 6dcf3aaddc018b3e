#include "adapters/sqlite/statement_cache.h"

#include <gtest/gtest.h>

#include "adapters/sqlite/test_store.h"

namespace triune::adapters::sqlite {
namespace {

class StatementCacheTest : public testing::Test {
 protected:
  StatementCacheTest() { sqlite3_open(":memory:", &database_); }
  ~StatementCacheTest() override {
    cache_.clear();
    EXPECT_EQ(sqlite3_close(database_), SQLITE_OK) << "a statement outlived its cache";
  }
  Statement compile(std::string_view sql) {
    std::string_view rest;
    return std::move(*Statement::compile(database_, sql, 0, rest));
  }
  StatementCache::Entry* keep(std::string_view sql, Authority authority = Authority::internal) {
    Statement statement = compile(sql);
    return cache_.keep(authority, sql, statement);
  }

  sqlite3* database_ = nullptr;
  StatementCache cache_{3};
};

TEST_F(StatementCacheTest, LendsAStatementToOneAtATime) {
  auto* kept = keep("SELECT 1");
  ASSERT_NE(kept, nullptr);
  EXPECT_EQ(cache_.lend(Authority::internal, "SELECT 1"), nullptr);
  StatementCache::give_back(*kept);
  EXPECT_EQ(cache_.lend(Authority::internal, "SELECT 1"), kept);
}

TEST_F(StatementCacheTest, NeverLendsAcrossAuthorities) {
  StatementCache::give_back(*keep("SELECT 1", Authority::internal));
  EXPECT_EQ(cache_.lend(Authority::user_read, "SELECT 1"), nullptr);
  EXPECT_NE(cache_.lend(Authority::internal, "SELECT 1"), nullptr);
}

TEST_F(StatementCacheTest, ForgetsTheLeastRecentlyUsed) {
  for (const char* sql : {"SELECT 1", "SELECT 2", "SELECT 3"}) StatementCache::give_back(*keep(sql));
  StatementCache::give_back(*cache_.lend(Authority::internal, "SELECT 1"));
  StatementCache::give_back(*keep("SELECT 4"));
  EXPECT_EQ(cache_.size(), 3U);
  EXPECT_EQ(cache_.lend(Authority::internal, "SELECT 2"), nullptr);
  EXPECT_NE(cache_.lend(Authority::internal, "SELECT 1"), nullptr);
}

TEST_F(StatementCacheTest, KeepsWhatIsLentAndTakesItsBoundBackLater) {
  for (const char* sql : {"SELECT 1", "SELECT 2", "SELECT 3"}) ASSERT_NE(keep(sql), nullptr);
  auto* fourth = keep("SELECT 4");
  if (fourth != nullptr) StatementCache::give_back(*fourth);
  EXPECT_LE(cache_.size(), 4U);
}

TEST_F(StatementCacheTest, DoesNotKeepVeryLongTexts) {
  EXPECT_EQ(keep("SELECT '" + std::string(20'000, 'x') + "'"), nullptr);
  EXPECT_EQ(cache_.size(), 0U);
}

}  // namespace
}  // namespace triune::adapters::sqlite
