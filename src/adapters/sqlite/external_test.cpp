// Other programs at the same file: what they write is seen, what they hold is waited for.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdlib>
#include <thread>

#include "adapters/sqlite/test_store.h"
#include "base/try.h"

namespace triune::adapters::sqlite {
namespace {

/// A connection as another program would open it: no setting of ours.
class OtherProgram {
 public:
  explicit OtherProgram(const std::filesystem::path& path) {
    EXPECT_EQ(sqlite3_open(path.c_str(), &database_), SQLITE_OK);
    sqlite3_busy_timeout(database_, 10'000);
  }
  ~OtherProgram() { sqlite3_close(database_); }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;
  void run(const char* sql) {
    char* message = nullptr;
    EXPECT_EQ(sqlite3_exec(database_, sql, nullptr, nullptr, &message), SQLITE_OK) << sql << ": " << message;
    sqlite3_free(message);
  }

 private:
  sqlite3* database_ = nullptr;
};

class ExternalTest : public StoreTest {
 protected:
  void SetUp() override {
    StoreTest::SetUp();
    ASSERT_TRUE(run("CREATE TABLE kept(id INTEGER PRIMARY KEY, text TEXT)"));
  }
  std::int64_t rows() {
    const auto found = ask("SELECT count(*) FROM kept");
    return found ? std::get<std::int64_t>(found->rows[0][0]) : -1;
  }
};

TEST_F(ExternalTest, WhatAnotherProgramWritesIsSeen) {
  OtherProgram other(directory_.file());
  other.run("INSERT INTO kept VALUES(1, 'from outside')");
  EXPECT_EQ(rows(), 1);
  ASSERT_TRUE(run("INSERT INTO kept VALUES(2, 'from inside')"));
  other.run("DELETE FROM kept WHERE id = 1");
  EXPECT_EQ(rows(), 1);
}

TEST_F(ExternalTest, TablesThatAnotherProgramChangesAreSeen) {
  OtherProgram other(directory_.file());
  EXPECT_EQ(rows(), 0);
  other.run("ALTER TABLE kept ADD COLUMN extra INTEGER DEFAULT 7");
  ASSERT_TRUE(run("INSERT INTO kept VALUES(1, 'x', 8)"));
  const auto found = ask("SELECT * FROM kept");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->columns.size(), 3U);
}

TEST_F(ExternalTest, AHeldDatabaseIsWaitedForUntilTheDeadline) {
  OtherProgram other(directory_.file());
  other.run("BEGIN IMMEDIATE");
  const auto write = [this](std::chrono::milliseconds patience) {
    return store_->write(
        [](contract::RelationalSession& session) -> Status {
          TRIUNE_TRY(session.execute("INSERT INTO kept(text) VALUES('x')", {}));
          return {};
        },
        Deadline::after(patience));
  };
  const auto refused = write(std::chrono::milliseconds(200));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable) << refused.error().message;
  EXPECT_EQ(refused.error().retry, Retry::safe);
  EXPECT_FALSE(store_->begin(Deadline::after(std::chrono::milliseconds(50))));
  EXPECT_EQ(rows(), 0) << "readers are not held";
  Status patient;
  std::thread waiting([&] { patient = write(std::chrono::seconds(20)); });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  other.run("COMMIT");
  waiting.join();
  EXPECT_TRUE(patient);
  EXPECT_EQ(rows(), 1);
}

TEST_F(ExternalTest, SeveralProgramsWriteAtTheSameTime) {
  constexpr int each = 40;
  std::thread outside([this] {
    OtherProgram other(directory_.file());
    for (int round = 0; round < each; ++round) other.run("INSERT INTO kept(text) VALUES('outside')");
  });
  std::vector<std::thread> inside;
  for (int thread = 0; thread < 4; ++thread)
    inside.emplace_back([this] {
      for (int round = 0; round < each; ++round) {
        const auto done = run("INSERT INTO kept(text) VALUES('inside')");
        EXPECT_TRUE(done) << done.error().message;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
      }
    });
  outside.join();
  for (auto& thread : inside) thread.join();
  EXPECT_EQ(rows(), 5 * each);
  const auto sound = ask("PRAGMA integrity_check");
  ASSERT_TRUE(sound);
  EXPECT_EQ(sound->rows[0][0], Value(std::string("ok")));
}

TEST_F(ExternalTest, TheShellFiresTriggersThatCaptureItsWrites) {
  if (std::system("command -v sqlite3 >/dev/null 2>&1") != 0) GTEST_SKIP() << "no sqlite3 shell";
  ASSERT_TRUE(run("CREATE TABLE log(id INTEGER)"));
  ASSERT_TRUE(run("CREATE TRIGGER log_insert AFTER INSERT ON kept BEGIN INSERT INTO log VALUES(NEW.id); END"));
  const std::string command =
      "sqlite3 -cmd '.timeout 10000' '" + directory_.file().string() + "' \"INSERT INTO kept VALUES(7, 'shell')\"";
  ASSERT_EQ(std::system(command.c_str()), 0);
  const auto found = ask("SELECT id FROM log");
  ASSERT_TRUE(found);
  ASSERT_EQ(found->rows.size(), 1U);
  EXPECT_EQ(found->rows[0][0], Value(std::int64_t{7}));
}

TEST_F(ExternalTest, ATriggerThatAppearsBetweenTwoStatementsOfUsersIsJudged) {
  ASSERT_TRUE(run("CREATE TABLE triune_log(id INTEGER)"));
  ASSERT_TRUE(run("INSERT INTO triune_log VALUES(1)"));
  const auto insert = [this] {
    return store_->write(
        [](contract::RelationalSession& session) -> Status {
          TRIUNE_TRY(session.execute_user("INSERT INTO kept(text) VALUES('x')", {}, 1));
          return {};
        },
        soon());
  };
  EXPECT_TRUE(insert());
  OtherProgram other(directory_.file());
  other.run("CREATE TRIGGER sneaky AFTER INSERT ON kept BEGIN DELETE FROM triune_log; END");
  const auto refused = insert();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::permission_denied);
}

TEST_F(ExternalTest, TextThatIsNoTextComesAsBytes) {
  OtherProgram other(directory_.file());
  other.run("INSERT INTO kept VALUES(1, CAST(x'FF00' AS TEXT))");
  const auto found = ask("SELECT text FROM kept");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->rows[0][0], Value(Bytes{std::byte{0xFF}, std::byte{0}}));
}

}  // namespace
}  // namespace triune::adapters::sqlite
