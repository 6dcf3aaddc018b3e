// What only SQLite's store promises; what every relational engine promises is in tests/conformance/relational.
#include "adapters/sqlite/store.h"

#include <gtest/gtest.h>

#include <fstream>
#include <thread>

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
  const auto opened = Store::open({.path = other.file()});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::corruption);
  EXPECT_EQ(opened.error().native_code, "SQLITE_NOTADB");
  EXPECT_NE(opened.error().message.find(other.file().string()), std::string::npos);
}

TEST_F(StoreTest, AMissingDirectoryIsUnavailable) {
  const auto opened = Store::open({.path = directory_.path() / "absent" / "store.db"});
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
  auto opened = Store::open({.path = directory_.file(), .memory_bytes = 8U << 20U, .readers = 2});
  ASSERT_TRUE(opened);
  store_ = std::move(*opened);
  const auto reader = ask("PRAGMA cache_size");
  ASSERT_TRUE(reader);
  EXPECT_EQ(reader->rows[0][0], Value(std::int64_t{-2048}));
}

TEST_F(StoreTest, RefusesReadersWhenTheirDeadlineHasPassed) {
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
