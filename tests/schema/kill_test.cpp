// `triune schema` killed at each of its failpoints and run again, two of it at once, and a stalled one that is fenced.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "support/child_process.h"
#include "support/hive_place.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

using ::testing::HasSubstr;

class SchemaKill : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = directory_.path() / "schema" / (on_postgres() ? "postgres" : "sqlite");
    std::filesystem::create_directories(folder_);
    write("0001_tasks.up.sql", "CREATE TABLE tasks (id BIGINT PRIMARY KEY, word TEXT);");
    write("0001_tasks.down.sql", "DROP TABLE tasks;");
    write("0002_more.up.sql", "CREATE TABLE more (id BIGINT PRIMARY KEY);");
    write("0002_more.down.sql", "DROP TABLE more;");
    ASSERT_EQ(triune({"init"}).exit_code, 0);
  }
  void write(const std::string& name, const std::string& text) const { std::ofstream(folder_ / name) << text; }

  [[nodiscard]] std::vector<std::string> command(std::vector<std::string> arguments) const {
    std::vector<std::string> all{TRIUNE_BINARY, "--hive", place_.location()};
    if (on_postgres()) all.insert(all.end(), {"--projections", place_.directory().string()});
    all.insert(all.end(), arguments.begin(), arguments.end());
    return all;
  }
  [[nodiscard]] Output triune(const std::vector<std::string>& arguments) const {
    return run_program(command(arguments));
  }
  [[nodiscard]] std::vector<std::string> with_files(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--dir", (directory_.path() / "schema").string()});
    return arguments;
  }
  /// Runs it until the failpoint kills it.
  void kill_at(const std::string& failpoint, const std::vector<std::string>& arguments) const {
    ChildProcess child(command(arguments), {"TRIUNE_FAILPOINT=" + failpoint});
    child.read_lines(std::chrono::seconds(60), [](const std::string&) { return true; });
    EXPECT_EQ(child.wait().signal, SIGKILL) << failpoint << " was not reached";
    place_.wait_until_alone();
  }
  void expect_success(const std::vector<std::string>& arguments, const std::string& said = {}) const {
    const auto output = triune(arguments);
    EXPECT_EQ(output.exit_code, 0) << output.text;
    EXPECT_THAT(output.text, HasSubstr(said));
  }

  TemporaryDirectory directory_;
  HivePlace place_{directory_.path(), "hive"};
  std::filesystem::path folder_;
};

TEST_F(SchemaKill, WhatWasNotRecordedDidNotHappenAndIsDoneNext) {
  for (const auto* const failpoint : {"migrate.lease_taken:1", "migrate.before_record:1", "migrate.applied:1"}) {
    SCOPED_TRACE(failpoint);
    kill_at(failpoint, with_files({"schema", "apply"}));
    expect_success({"schema", "drift"}, "is what its migrations make");
    expect_success(with_files({"schema", "apply"}));
    expect_success(with_files({"schema", "verify", "--up-down-up"}));
    kill_at("migrate.before_forget:2", {"schema", "revert", "--to", "0"});
    expect_success({"schema", "drift"}, "is what its migrations make");
    expect_success({"schema", "revert", "--to", "0"}, "0001_tasks");
  }
}

TEST_F(SchemaKill, AChangeGoesOnWhereItWasKilled) {
  expect_success(with_files({"schema", "apply"}));
  for (int i = 0; i < 30; ++i)
    expect_success({"sql", fmt::format("INSERT INTO tasks (id, word) VALUES ({}, 'w{}')", i, i)});
  write("0003_size.change.json",
        R"json({"table":"tasks","column":"size","type":"BIGINT","up":"length(word)","replaces":"word",
          "replaced_type":"TEXT","down":"'w' || size","not_null":true,"batch":10,"pause_ms":0})json");
  kill_at("migrate.change_expanded:1", with_files({"schema", "change", "start"}));
  expect_success({"schema", "drift"}, "is what its migrations make");
  expect_success(with_files({"schema", "change", "start"}), "expanded");
  kill_at("migrate.change_batch:2", {"schema", "change", "backfill"});
  expect_success({"schema", "change", "status"}, "10 rows filled");
  kill_at("migrate.change_aborted:1", {"schema", "change", "abort"});
  expect_success({"schema", "change", "backfill"}, "30 rows filled");
  if (on_postgres()) {
    kill_at("migrate.change_checked:1", {"schema", "change", "contract"});
    kill_at("migrate.change_validated:1", {"schema", "change", "contract"});
  }
  kill_at("migrate.change_contracted:1", {"schema", "change", "contract"});
  expect_success({"schema", "change", "contract"}, "contracted");
  expect_success({"schema", "drift"}, "is what its migrations make");
  expect_success({"sql", "SELECT sum(size) FROM tasks"}, "80");
}

TEST_F(SchemaKill, OfTwoAtOnceOneAppliesEachMigration) {
  if (!on_postgres()) GTEST_SKIP() << "a directory has one process at a time";
  ChildProcess first(command(with_files({"schema", "apply"})));
  ChildProcess second(command(with_files({"schema", "apply"})));
  int applied = 0;
  const auto count = [&applied](const std::string& line) {
    applied += line.starts_with("applied") ? 1 : 0;
    return true;
  };
  first.read_lines(std::chrono::seconds(60), count);
  second.read_lines(std::chrono::seconds(60), count);
  EXPECT_EQ(first.wait().exit_code, 0);
  EXPECT_EQ(second.wait().exit_code, 0);
  EXPECT_EQ(applied, 2);
}

TEST_F(SchemaKill, OneThatStalledIsRefusedWhenItWakesUp) {
  if (!on_postgres()) GTEST_SKIP() << "a directory has one process at a time";
  ChildProcess stalled(command(with_files({"schema", "apply"})), {"TRIUNE_FAILPOINT=migrate.applied:1:stop"});
  stalled.read_lines(std::chrono::seconds(2), [](const std::string&) { return true; });
  // Its lease ends, as it would by itself.
  place_.other_program("UPDATE triune_schema_lease SET expires_at_ms = 0");
  expect_success(with_files({"schema", "apply"}), "0002_more");
  stalled.send(SIGCONT);
  stalled.read_lines(std::chrono::seconds(60), [](const std::string&) { return true; });
  EXPECT_EQ(stalled.wait().exit_code, 4) << "conflict";
  expect_success({"schema", "drift"}, "is what its migrations make");
}

}  // namespace
}  // namespace triune::testing
