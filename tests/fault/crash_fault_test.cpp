// kill -9 at every named point and at random moments (I1, I3, I4, I8, I11).
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <fstream>
#include <iostream>
#include <random>
#include <regex>
#include <set>

#include "fault/crash_rig.h"
#include "fault/load_source.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

enum class Mode : std::uint8_t { commits, load, open, rebuild };

/// A failpoint, what reaches it, and at which of its passes the process dies.
struct Failpoint {
  std::string_view name;
  Mode mode;
  std::vector<int> passes;
};

std::ostream& operator<<(std::ostream& to, const Failpoint& failpoint) {
  return to << failpoint.name;
}

const std::vector<Failpoint>& failpoints() {
  static const std::vector<Failpoint> table{
      {"blob.written", Mode::commits, {1, 12}},
      {"blob.renamed", Mode::commits, {1, 12}},
      {"commit.blobs_staged", Mode::commits, {1, 12}},
      {"commit.applied", Mode::commits, {2, 60}},
      {"commit.durable", Mode::commits, {2, 60}},
      {"sqlite.before_commit", Mode::commits, {1, 5, 30}},
      {"sqlite.after_commit", Mode::commits, {1, 5, 30}},
      {"sqlite.checkpoint", Mode::commits, {1}},
      {"projection.before_apply", Mode::commits, {1, 9}},
      {"projection.rebuilt", Mode::commits, {1, 4}},
      {"projection.before_publish", Mode::commits, {2, 3}},
      {"projection.after_publish", Mode::commits, {2, 3}},
      {"kuzu.apply.before_commit", Mode::commits, {1, 6}},
      {"kuzu.apply.after_commit", Mode::commits, {1, 6}},
      {"kuzu.bulk_load.copied", Mode::rebuild, {1}},
      {"kuzu.checkpoint", Mode::rebuild, {1, 2}},
      {"usearch.bulk_load.loaded", Mode::rebuild, {1}},
      {"usearch.save.written", Mode::rebuild, {1}},
      {"usearch.save.renamed", Mode::rebuild, {1}},
      {"kuzu.bulk_load.copied", Mode::load, {1}},
      {"usearch.save.written", Mode::load, {1}},
      {"load.before_log", Mode::load, {1, 2, 3}},
      {"migrate.before_record", Mode::open, {1}},
  };
  return table;
}

constexpr std::string_view load_size = "20000";

std::string setting(const Failpoint& failpoint, int pass) {
  return std::string(failpoint.name) + ":" + std::to_string(pass);
}

void expect_killed(const WriterRun& run, const std::string& at) {
  EXPECT_EQ(run.ending.signal, SIGKILL) << at << " was not reached; exit code " << run.ending.exit_code;
}

/// Runs the writer to its end in a mode that is no endless stream of commits.
WriterRun run_writer(std::vector<std::string> arguments, const std::string& failpoint = {}) {
  ChildProcess::Environment environment;
  if (!failpoint.empty()) environment.push_back("TRIUNE_FAILPOINT=" + failpoint);
  WriterProcess writer(crash_writer(std::move(arguments)), environment);
  return writer.finish();
}

std::set<std::string> failpoints_in_sources() {
  std::set<std::string> names;
  const std::regex call(R"re(failpoint\("([^"]+)"\))re");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TRIUNE_SOURCES)) {
    const auto name = entry.path().filename().string();
    if (entry.path().extension() != ".cpp" || name.ends_with("_test.cpp")) continue;
    std::ifstream file(entry.path());
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    for (std::sregex_iterator at(text.begin(), text.end(), call), end; at != end; ++at) names.insert((*at)[1]);
  }
  return names;
}

TEST(CrashFault, TheTableHasEveryFailpointOfTheSources) {
  std::set<std::string> known;
  for (const auto& failpoint : failpoints()) known.emplace(failpoint.name);
  EXPECT_EQ(known, failpoints_in_sources());
}

/// One test for each failpoint, so that a failure names it.
class CrashAt : public ::testing::TestWithParam<Failpoint> {
 protected:
  [[nodiscard]] std::string hive() const { return (directory_.path() / "hive").string(); }

  void kill_while_committing(const Failpoint& failpoint) {
    CrashRig rig(hive());
    for (const int pass : failpoint.passes) {
      SCOPED_TRACE(setting(failpoint, pass));
      const auto run = rig.start(setting(failpoint, pass))->finish();
      expect_killed(run, setting(failpoint, pass));
      rig.check(run);
    }
  }

  void kill_while_rebuilding(const Failpoint& failpoint) {
    CrashRig rig(hive());
    const auto writer = rig.start();
    ASSERT_TRUE(writer->wait_until_ready());
    writer->collect(std::chrono::milliseconds(200));
    writer->send(SIGKILL);
    rig.check(writer->finish());
    for (const int pass : failpoint.passes) {
      SCOPED_TRACE(setting(failpoint, pass));
      expect_killed(run_writer({"rebuild", hive()}, setting(failpoint, pass)), setting(failpoint, pass));
      const auto opened = open_hive(hive());
      ASSERT_NE(opened, nullptr);
      expect_current(*opened);
      expect_equal_everywhere(*opened);
    }
  }

  /// What an uninterrupted load makes; once for all tests.
  static const std::string& undisturbed() {
    static const std::string digest = [] {
      const TemporaryDirectory directory;
      const auto path = (directory.path() / "hive").string();
      EXPECT_EQ(run_writer({"load", path, std::string(load_size)}).ending.exit_code, 0);
      return content_digest(*open_hive(path)).value();
    }();
    return digest;
  }

  /// A load that was killed is run again, and leaves what one that was not killed leaves.
  void kill_while_loading(const Failpoint& failpoint) {
    for (const int pass : failpoint.passes) {
      SCOPED_TRACE(setting(failpoint, pass));
      const auto path = hive() + std::to_string(pass);
      expect_killed(run_writer({"load", path, std::string(load_size)}, setting(failpoint, pass)),
                    setting(failpoint, pass));
      const auto again = run_writer({"load", path, std::string(load_size)});
      EXPECT_EQ(again.ending.exit_code, 0);
      for (const auto& error : again.errors) ADD_FAILURE() << error;
      const auto opened = open_hive(path);
      ASSERT_NE(opened, nullptr);
      expect_current(*opened);
      EXPECT_EQ(content_digest(*opened).value(), undisturbed());
      expect_equal_everywhere(*opened);
    }
  }

  void kill_while_opening(const Failpoint& failpoint) {
    for (const int pass : failpoint.passes) {
      expect_killed(run_writer({"open", hive()}, setting(failpoint, pass)), setting(failpoint, pass));
      const auto opened = open_hive(hive());
      ASSERT_NE(opened, nullptr);
      const auto prepared = prepare_workload(*opened);
      EXPECT_TRUE(prepared) << prepared.error().message;
      expect_current(*opened);
      expect_equal_everywhere(*opened);
    }
  }

  TemporaryDirectory directory_;
};

TEST_P(CrashAt, NothingAcknowledgedIsLost) {
  const auto& failpoint = GetParam();
  switch (failpoint.mode) {
    case Mode::commits: return kill_while_committing(failpoint);
    case Mode::rebuild: return kill_while_rebuilding(failpoint);
    case Mode::load: return kill_while_loading(failpoint);
    case Mode::open: return kill_while_opening(failpoint);
  }
}

INSTANTIATE_TEST_SUITE_P(Failpoints, CrashAt, ::testing::ValuesIn(failpoints()), [](const auto& instance) {
  auto name = std::string(instance.param.name) + (instance.param.mode == Mode::load ? "_in_a_load" : "");
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

TEST(CrashFault, KillsAtRandomMomentsLoseNothing) {
  constexpr unsigned hives = 3;
  constexpr unsigned kills_each = 8;
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  std::uint64_t commits = 0;
  for (unsigned hive = 0; hive < hives; ++hive) {
    const TemporaryDirectory directory;
    CrashRig rig(directory.path() / "hive");
    for (unsigned kill = 0; kill < kills_each && !::testing::Test::HasFailure(); ++kill) {
      SCOPED_TRACE(::testing::Message() << "seed " << seed << ", hive " << hive << ", kill " << kill);
      const auto writer = rig.start();
      // Not only while it writes: also while it opens, migrates and rebuilds.
      writer->collect(std::chrono::milliseconds(20 + random() % 700));
      writer->send(SIGKILL);
      const auto run = writer->finish();
      EXPECT_EQ(run.ending.signal, SIGKILL);
      rig.check(run);
    }
    commits += rig.commits_checked();
  }
  std::cout << hives * kills_each << " kills, " << commits << " acknowledged commits found whole\n";
}

}  // namespace
}  // namespace triune::testing
