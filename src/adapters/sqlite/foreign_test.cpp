// Files of other programs: read whoever uses them, and left as they are.
#include "adapters/sqlite/foreign.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <map>

#include "support/temporary_directory.h"

namespace triune::adapters::sqlite {
namespace {

/// A connection of "the other program".
class Program {
 public:
  explicit Program(const std::filesystem::path& path) {
    if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) throw std::runtime_error("cannot open");
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;
  ~Program() { sqlite3_close(database_); }

  void run(const std::string& sql) const {
    char* message = nullptr;
    const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &message);
    EXPECT_EQ(code, SQLITE_OK) << sql << ": " << (message == nullptr ? "" : message);
    sqlite3_free(message);
  }

 private:
  sqlite3* database_ = nullptr;
};

class ForeignFile : public ::testing::Test {
 protected:
  [[nodiscard]] std::filesystem::path path() const { return directory_.path() / "a b?c#%41.db"; }
  [[nodiscard]] auto open(const std::filesystem::path& file) const { return Foreign::open({.path = file}); }
  [[nodiscard]] std::unique_ptr<contract::ForeignDatabase> opened() const {
    auto database = open(path());
    if (!database) throw std::runtime_error(database.error().message);
    return std::move(*database);
  }
  static std::string first(contract::ForeignDatabase& database, std::string_view sql) {
    const auto rows = database.query(sql, {}, 10, soon());
    if (!rows) return rows.error().message;
    return rows->rows.empty() ? "" : to_text(rows->rows.front().front());
  }
  static Deadline soon() { return Deadline::after(std::chrono::seconds(10)); }

  /// Every file of the directory with its bytes, but the index of a log, which holds readers' marks.
  [[nodiscard]] std::map<std::string, std::string> content() const {
    std::map<std::string, std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator(directory_.path())) {
      std::ifstream file(entry.path(), std::ios::binary);
      std::string bytes(std::istreambuf_iterator<char>(file), {});
      const bool index = entry.path().string().ends_with("-shm");
      files[entry.path().filename().string()] = index ? "" : std::move(bytes);
    }
    return files;
  }
  void write(std::string_view bytes) const { std::ofstream(path(), std::ios::binary) << bytes; }

  testing::TemporaryDirectory directory_;
};

TEST_F(ForeignFile, ReadsAndLeavesAFileAsItIs) {
  for (const std::string mode : {"DELETE", "WAL"}) {
    std::filesystem::remove(path());
    Program(path()).run("PRAGMA journal_mode = " + mode + "; CREATE TABLE t(a); INSERT INTO t VALUES (7)");
    const auto before = content();
    ASSERT_EQ(before.size(), 1U);
    {
      const auto database = opened();
      EXPECT_EQ(first(*database, "SELECT a FROM t"), "7") << mode;
      EXPECT_EQ(content(), before) << mode << ", while it is open";
    }
    EXPECT_EQ(content(), before) << mode;
  }
}

TEST_F(ForeignFile, ReadsTheLogOfAProgramThatRunsAndLeavesItAlone) {
  const Program program(path());
  program.run("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (7)");
  const auto before = content();
  {
    const auto database = opened();
    EXPECT_EQ(first(*database, "SELECT a FROM t"), "7");
    EXPECT_TRUE(database->describe()->in_use);
    program.run("INSERT INTO t VALUES (8)");
    EXPECT_EQ(first(*database, "SELECT count(*) FROM t"), "2");
    program.run("DELETE FROM t WHERE a = 8; PRAGMA wal_checkpoint(TRUNCATE)");
  }
  EXPECT_EQ(content().size(), before.size());
}

TEST_F(ForeignFile, NoticesThatAProgramOpensAFileThatNobodyHadOpen) {
  Program(path()).run("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (7)");
  const auto database = opened();
  EXPECT_EQ(first(*database, "SELECT count(*) FROM t"), "1");
  EXPECT_FALSE(database->describe()->in_use);
  {
    const Program program(path());
    program.run("INSERT INTO t VALUES (8)");
    EXPECT_EQ(first(*database, "SELECT count(*) FROM t"), "2");
    EXPECT_TRUE(database->describe()->in_use);
  }
  EXPECT_EQ(first(*database, "SELECT count(*) FROM t"), "2");
}

TEST_F(ForeignFile, NoticesAWriterThatCameAndWentBetweenStatements) {
  Program(path()).run("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (7)");
  const auto database = opened();
  EXPECT_EQ(first(*database, "SELECT count(*) FROM t"), "1");
  Program(path()).run("INSERT INTO t VALUES (8)");
  EXPECT_EQ(first(*database, "SELECT count(*) FROM t"), "2");
}

TEST_F(ForeignFile, AWriterCommitsBetweenTwoStatements) {
  const Program program(path());
  program.run("PRAGMA busy_timeout = 0; CREATE TABLE t(a)");
  const auto database = opened();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(first(*database, "SELECT count(*) FROM t"), std::to_string(i));
    program.run("INSERT INTO t VALUES (1)");  // Without patience: a lock left behind would fail it.
  }
}

TEST_F(ForeignFile, RefusesWhatWrites) {
  Program(path()).run("CREATE TABLE t(a)");
  const auto before = content();
  const auto database = opened();
  for (const auto* sql : {"INSERT INTO t VALUES (1)", "DROP TABLE t", "CREATE TEMP TABLE s(a)",
                          "PRAGMA user_version = 3", "PRAGMA journal_mode = DELETE", "ATTACH 'x.db' AS x", "VACUUM",
                          "BEGIN IMMEDIATE", "SELECT 1; SELECT 2", "SELECT load_extension('x')"}) {
    EXPECT_FALSE(database->query(sql, {}, 1, soon())) << sql;
    const std::string_view text(sql);
    if (text.starts_with("CREATE TEMP")) continue;
    EXPECT_FALSE(database->scratch(sql, {}, soon())) << sql;
  }
  EXPECT_EQ(content(), before);
}

TEST_F(ForeignFile, CopiesAreTemporary) {
  Program(path()).run("CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'x'), (2, 'y')");
  const auto before = content();
  const auto database = opened();
  ASSERT_TRUE(database->scratch("CREATE TEMP TABLE s AS SELECT * FROM main.t WHERE 0", {}, soon()));
  ASSERT_TRUE(database->scratch("INSERT INTO temp.s SELECT * FROM main.t", {}, soon()));
  ASSERT_TRUE(database->scratch("CREATE INDEX temp.i ON s(a)", {}, soon()));
  EXPECT_EQ(first(*database, "SELECT b FROM temp.s WHERE a = 2"), "y");
  ASSERT_TRUE(database->scratch("DROP TABLE temp.s", {}, soon()));
  EXPECT_EQ(content(), before);
}

TEST_F(ForeignFile, WhatTheSchemaBringsAlongDoesNotRun) {
  Program(path()).run("CREATE TABLE t(a); CREATE VIEW v AS SELECT 1 AS one");
  const auto database = opened();
  EXPECT_FALSE(database->query("SELECT * FROM v", {}, 1, soon()));
}

TEST_F(ForeignFile, StatementsEndAtTheirDeadline) {
  Program(path()).run("CREATE TABLE t(a)");
  const auto database = opened();
  const auto endless =
      database->query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n", {}, 1,
                      Deadline::after(std::chrono::milliseconds(50)));
  ASSERT_FALSE(endless);
  EXPECT_EQ(endless.error().code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(first(*database, "SELECT 1"), "1");
}

TEST_F(ForeignFile, WhatIsNoDatabaseIsNamed) {
  EXPECT_EQ(open(directory_.path() / "absent").error().code, ErrorCode::not_found);
  EXPECT_EQ(open(directory_.path()).error().code, ErrorCode::invalid_argument);
  EXPECT_EQ(open("/dev/null").error().code, ErrorCode::invalid_argument);
  write("hello, this is text and no database at all, whatever its name may say about it ... ... ... ... ...");
  EXPECT_EQ(open(path()).error().code, ErrorCode::corruption);
  EXPECT_NE(open(path()).error().message.find("encrypted"), std::string::npos);
  write("");
  EXPECT_EQ(first(*opened(), "SELECT count(*) FROM sqlite_schema"), "0");
  write("SQLite format 3");
  EXPECT_EQ(open(path()).error().code, ErrorCode::corruption);
}

TEST_F(ForeignFile, ATornFileIsCorruption) {
  Program(path()).run("CREATE TABLE t(a); INSERT INTO t SELECT randomblob(3000) FROM sqlite_schema; CREATE TABLE s(a)");
  std::filesystem::resize_file(path(), 5000);
  const auto database = open(path());
  if (database) {
    EXPECT_FALSE((*database)->query("SELECT sum(length(a)) FROM t", {}, 1, soon()));
  } else {
    EXPECT_EQ(database.error().code, ErrorCode::corruption);
  }
}

TEST_F(ForeignFile, AJournalThatACrashedProgramLeftIsExplained) {
  const pid_t child = ::fork();
  if (child == 0) {  // Dies with a hot journal: pages of an open transaction are already in the file.
    sqlite3* database = nullptr;
    sqlite3_open(path().c_str(), &database);
    sqlite3_exec(database,
                 "PRAGMA cache_size = 2; PRAGMA cache_spill = 2; CREATE TABLE t(a); INSERT INTO t VALUES (1); BEGIN;"
                 "INSERT INTO t SELECT randomblob(3000) FROM json_each('[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16]')",
                 nullptr, nullptr, nullptr);
    ::_exit(0);
  }
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  ASSERT_TRUE(std::filesystem::exists(path().string() + "-journal"));
  const auto before = content();
  const auto database = open(path());
  ASSERT_FALSE(database);
  EXPECT_NE(database.error().message.find("open it once with its own program"), std::string::npos)
      << database.error().message;
  EXPECT_EQ(content(), before);
}

}  // namespace
}  // namespace triune::adapters::sqlite
