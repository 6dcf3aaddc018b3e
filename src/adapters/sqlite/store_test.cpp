// What only SQLite's store promises; what every relational engine promises is in tests/conformance/relational.
#include "adapters/sqlite/store.h"

#include <gtest/gtest.h>

#include "adapters/sqlite/test_store.h"

namespace triune::adapters::sqlite {
namespace {

TEST_F(StoreTest, ARowWrittenIsReadAndSurvivesReopening) {
  ASSERT_TRUE(run("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT) STRICT"));
  ASSERT_TRUE(run("INSERT INTO t VALUES(?1, ?2)", {std::int64_t{1}, std::string("one")}));
  auto rows = ask("SELECT a, b FROM t");
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->rows.size(), 1U);
  EXPECT_EQ(rows->rows[0][1], Value(std::string("one")));
  open();
  rows = ask("SELECT b FROM t");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows.size(), 1U);
}

TEST_F(StoreTest, SyncsEveryCommitFully) {
  auto transaction = store_->begin(soon());
  ASSERT_TRUE(transaction);
  auto rows = (*transaction)->session().query("PRAGMA synchronous", {}, 1);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows[0][0], Value(std::int64_t{2}));
  rows = (*transaction)->session().query("PRAGMA journal_mode", {}, 1);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(rows->rows[0][0], Value(std::string("wal")));
}

}  // namespace
}  // namespace triune::adapters::sqlite
