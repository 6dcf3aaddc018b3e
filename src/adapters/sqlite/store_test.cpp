// What only SQLite's store promises; what every relational engine promises is in tests/conformance/relational.
#include "adapters/sqlite/store.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

#include "adapters/sqlite/test_store.h"
#include "support/pool_factory.h"

namespace triune::adapters::sqlite {

contract::PoolFactory pool_factory() {
  return triune::testing::pool_factory();
}

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

TEST_F(StoreTest, IsBuiltAsTheAdapterNeedsIt) {
  for (const char* option : {"THREADSAFE=2", "DEFAULT_WAL_SYNCHRONOUS=2", "DEFAULT_SYNCHRONOUS=2",
                             "DEFAULT_FOREIGN_KEYS", "DQS=0", "ENABLE_FTS5", "ENABLE_STAT4", "ENABLE_DBSTAT_VTAB",
                             "ENABLE_MATH_FUNCTIONS", "OMIT_LOAD_EXTENSION", "OMIT_SHARED_CACHE"})
    EXPECT_EQ(sqlite3_compileoption_used(option), 1) << option;
  for (const char* option : {"OMIT_PROGRESS_CALLBACK", "OMIT_AUTHORIZATION"})
    EXPECT_EQ(sqlite3_compileoption_used(option), 0) << option;
  EXPECT_GE(sqlite3_libversion_number(), 3051003);
}

TEST_F(StoreTest, DescribesGeneratedColumnsAndVirtualTables) {
  ASSERT_TRUE(run("CREATE TABLE t(a INTEGER, b INTEGER AS (a * 2), c INTEGER AS (a * 3) STORED)"));
  const auto columns = store_->describe("t");
  ASSERT_TRUE(columns);
  ASSERT_EQ(columns->size(), 3U);
  EXPECT_EQ((*columns)[1].name, "b");
  ASSERT_TRUE(run("CREATE VIRTUAL TABLE words USING fts5(body)"));
  const auto words = store_->describe("words");
  ASSERT_TRUE(words);
  ASSERT_EQ(words->size(), 1U) << "hidden columns are not part of the rows";
}

TEST_F(StoreTest, AFileThatIsNoDatabaseIsCorruption) {
  store_.reset();
  const TemporaryDirectory other;
  {
    std::ofstream file(other.file());
    file << std::string(8192, 'x');
  }
  const auto opened = Store::open({.path = other.file(), .make_pool = pool_factory()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corruption);
  EXPECT_EQ(opened.error().native_code, "SQLITE_NOTADB");
  EXPECT_NE(opened.error().message.find(other.file().string()), std::string::npos);
}

TEST_F(StoreTest, AMissingDirectoryIsUnavailable) {
  const auto opened = Store::open({.path = directory_.path() / "absent" / "store.db", .make_pool = pool_factory()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::unavailable);
  EXPECT_NE(opened.error().message.find("absent"), std::string::npos);
}

TEST_F(StoreTest, IndexesFullTextOfTablesByTriggersAndShowsItInViews) {
  ASSERT_TRUE(run("CREATE TABLE notes(id INTEGER PRIMARY KEY, body TEXT)"));
  ASSERT_TRUE(run("CREATE VIRTUAL TABLE found USING fts5(body, content='notes', content_rowid='id')"));
  ASSERT_TRUE(
      run("CREATE TRIGGER notes_insert AFTER INSERT ON notes BEGIN "
          "INSERT INTO found(rowid, body) VALUES(NEW.id, NEW.body); END"));
  ASSERT_TRUE(
      run("CREATE VIEW bees AS SELECT rowid, snippet(found, 0, '[', ']', '', 4) AS best FROM found "
          "WHERE found MATCH 'bee'"));
  ASSERT_TRUE(run("INSERT INTO notes VALUES(4, 'a bee in here')"));
  const auto rows = ask("SELECT best FROM bees");
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->rows.size(), 1U);
  // Users call the functions of FTS5 themselves; hidden in a view they are not trusted.
  EXPECT_FALSE(ask("SELECT best FROM bees", {}, contract::ReadScope::user));
  EXPECT_TRUE(ask("SELECT best FROM bees"));
  const auto direct = ask("SELECT snippet(found, 0, '[', ']', '', 4), bm25(found) FROM found WHERE found MATCH 'bee'",
                          {}, contract::ReadScope::user);
  ASSERT_TRUE(direct) << direct.error().message;
  EXPECT_EQ(direct->rows[0][0], Value(std::string("a [bee] in here")));
}

TEST_F(StoreTest, KeepsItsCachesWithinTheBoundGiven) {
  store_.reset();
  auto opened =
      Store::open({.path = directory_.file(), .memory_bytes = 8U << 20U, .readers = 2, .make_pool = pool_factory()});
  ASSERT_TRUE(opened);
  store_ = std::move(*opened);
  const auto reader = ask("PRAGMA cache_size");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->rows[0][0], Value(std::int64_t{-2048}));
}

TEST_F(StoreTest, NeedsAPoolFactory) {
  const auto opened = Store::open({.path = directory_.path() / "other.db"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::invalid_argument);
  EXPECT_FALSE(std::filesystem::exists(directory_.path() / "other.db"));
}

TEST_F(StoreTest, ReadersComeFromAPoolWithinItsBounds) {
  open(2);
  auto first = store_->read(contract::ReadScope::internal, soon());
  auto second = store_->read(contract::ReadScope::user, soon());
  ASSERT_TRUE(first && second);
  const auto third = store_->read(contract::ReadScope::internal, Deadline::after(std::chrono::milliseconds(20)));
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(third.error().engine, "sqlite");
  EXPECT_EQ(third.error().retry, Retry::safe);
  const auto pool = store_->statistics()->pools.at(0);
  EXPECT_EQ(pool.name, "read");
  EXPECT_EQ(pool.size, 2U);
  EXPECT_EQ(pool.active, 2U);
  EXPECT_EQ(pool.timeouts, 1U);
}

TEST_F(StoreTest, AFileThatWentAwayIsNamedToThoseWhoRead) {
  store_.reset();
  open();
  std::filesystem::rename(directory_.file(), directory_.path() / "elsewhere.db");
  const auto session = store_->read(contract::ReadScope::internal, Deadline::never());
  ASSERT_FALSE(session);
  EXPECT_EQ(session.error().code, ErrorCode::unavailable);
  EXPECT_EQ(session.error().engine, "sqlite");
  EXPECT_EQ(session.error().native_code, "SQLITE_CANTOPEN");
  EXPECT_NE(session.error().message.find(directory_.file().string()), std::string::npos) << session.error().message;
  std::filesystem::rename(directory_.path() / "elsewhere.db", directory_.file());
}

TEST_F(StoreTest, RefusesReadersWhenTheirDeadlineHasPassed) {
  ASSERT_TRUE(ask("SELECT 1")) << "opens a reader";
  auto session = store_->read(contract::ReadScope::internal, Deadline::after(std::chrono::milliseconds(1)));
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  ASSERT_TRUE(session);
  const auto rows = (*session)->query(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
      "SELECT count(*) FROM n",
      {}, 1);
  ASSERT_FALSE(rows);
  EXPECT_EQ(rows.error().code, ErrorCode::deadline_exceeded);
}

}  // namespace
}  // namespace triune::adapters::sqlite
