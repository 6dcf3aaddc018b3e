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
#include "fault/failpoints.h"
#include "fault/load_source.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

void expect_killed(const WriterRun& run, const std::string& at) {
  EXPECT_EQ(run.ending.signal, SIGKILL) << at << " was not reached; exit code " << run.ending.exit_code;
}

/// Runs the writer to its end in a mode that is no endless stream of commits.
WriterRun run_writer(const std::string& mode, const HivePlace& place, const std::string& failpoint = {}) {
  ChildProcess::Environment environment;
  if (!failpoint.empty()) environment.push_back("TRIUNE_FAILPOINT=" + failpoint);
  auto run = WriterProcess(crash_writer(mode, place), environment).finish();
  place.wait_until_alone();
  return run;
}

/// Of the hive and what is below it; importers are killed by tests of their own (migration_kill_test).
std::set<std::string> failpoints_in_sources() {
  std::set<std::string> names;
  const std::regex call(R"re(failpoint\("([^"]+)"\))re");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TRIUNE_SOURCES)) {
    const auto name = entry.path().filename().string();
    if (entry.path().extension() != ".cpp" || name.ends_with("_test.cpp")) continue;
    if (std::filesystem::relative(entry.path(), TRIUNE_SOURCES).begin()->string() == "intake") continue;
    std::ifstream file(entry.path());
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    for (std::sregex_iterator at(text.begin(), text.end(), call), end; at != end; ++at) names.insert((*at)[1]);
    // Of mapped segments, which the adapter's own tests kill (segment_files_test).
    for (const auto* const step : {"usearch.merge.published", "usearch.segment.written"}) names.erase(step);
    // Of vectors made anew, which tests/integration kills (cli_vectors_test).
    for (const auto* const step : {"copied", "given_up", "handed_over", "handing_over", "recorded"})
      names.erase(std::string("reembed.") + step);
    names.erase("embedding.claimed");
    // Of users' migrations, which tests/schema kills.
    for (const auto* const step : {"before_forget", "change_aborted", "change_batch", "change_checked",
                                   "change_contracted", "change_expanded", "change_validated"})
      names.erase(std::string("migrate.") + step);
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
  void kill_while_committing(const Failpoint& failpoint, Beside beside = Beside::maintenance) {
    CrashRig rig(place_);
    for (const int pass : failpoint.passes) {
      SCOPED_TRACE(failpoint_setting(failpoint.name, pass));
      const auto run = rig.start(failpoint_setting(failpoint.name, pass), beside)->finish();
      expect_killed(run, failpoint_setting(failpoint.name, pass));
      rig.check(run);
    }
  }

  void kill_while_rebuilding(const Failpoint& failpoint) {
    CrashRig rig(place_);
    const auto writer = rig.start();
    ASSERT_TRUE(writer->wait_until_ready());
    writer->collect(std::chrono::milliseconds(200));
    writer->send(SIGKILL);
    rig.check(writer->finish());
    for (const int pass : failpoint.passes) {
      SCOPED_TRACE(failpoint_setting(failpoint.name, pass));
      expect_killed(run_writer("rebuild", place_, failpoint_setting(failpoint.name, pass)),
                    failpoint_setting(failpoint.name, pass));
      const auto opened = open_hive(place_);
      ASSERT_NE(opened, nullptr);
      expect_current(*opened);
      expect_equal_everywhere(*opened);
    }
  }

  /// A load that was killed is run again, and leaves what one that was not killed leaves.
  void kill_while_loading(const Failpoint& failpoint) {
    for (const int pass : failpoint.passes) {
      SCOPED_TRACE(failpoint_setting(failpoint.name, pass));
      const HivePlace place(directory_.path(), "load " + std::to_string(pass));
      expect_killed(run_writer("load", place, failpoint_setting(failpoint.name, pass)),
                    failpoint_setting(failpoint.name, pass));
      const auto again = run_writer("load", place);
      EXPECT_EQ(again.ending.exit_code, 0);
      for (const auto& error : again.errors) ADD_FAILURE() << error;
      const auto opened = open_hive(place);
      ASSERT_NE(opened, nullptr);
      expect_current(*opened);
      EXPECT_EQ(load_digest(*opened).value(), undisturbed_load(on_postgres()));
      expect_equal_everywhere(*opened);
    }
  }

  void kill_while_opening(const Failpoint& failpoint) {
    for (const int pass : failpoint.passes) {
      expect_killed(run_writer("open", place_, failpoint_setting(failpoint.name, pass)),
                    failpoint_setting(failpoint.name, pass));
      const auto opened = open_hive(place_);
      ASSERT_NE(opened, nullptr);
      const auto prepared = prepare_workload(*opened);
      EXPECT_TRUE(prepared) << prepared.error().message;
      expect_current(*opened);
      expect_equal_everywhere(*opened);
    }
  }

  TemporaryDirectory directory_;
  HivePlace place_{directory_.path(), "hive"};
};

TEST_P(CrashAt, NothingAcknowledgedIsLost) {
  const auto& failpoint = GetParam();
  if (on_postgres() && failpoint.name.starts_with("sqlite.")) GTEST_SKIP() << "a place in SQLite's adapter";
  switch (failpoint.mode) {
    case FailpointMode::commits: return kill_while_committing(failpoint);
    case FailpointMode::move: return kill_while_committing(failpoint, Beside::moves);
    case FailpointMode::rebuild: return kill_while_rebuilding(failpoint);
    case FailpointMode::load: return kill_while_loading(failpoint);
    case FailpointMode::open: return kill_while_opening(failpoint);
  }
}

INSTANTIATE_TEST_SUITE_P(Failpoints, CrashAt, ::testing::ValuesIn(failpoints()), [](const auto& instance) {
  auto name = std::string(instance.param.name) + (instance.param.mode == FailpointMode::load   ? "_in_a_load"
                                                  : instance.param.mode == FailpointMode::move ? "_in_a_move"
                                                                                               : "");
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
    const HivePlace place(directory.path(), "hive");
    CrashRig rig(place);
    for (unsigned kill = 0; kill < kills_each && !::testing::Test::HasFailure(); ++kill) {
      SCOPED_TRACE(::testing::Message() << "seed " << seed << ", hive " << hive << ", kill " << kill);
      const auto writer = rig.start();
      // Not only while it writes: also, each other time, while it opens, migrates and rebuilds.
      EXPECT_TRUE(kill % 2 == 0 || writer->wait_until_ready());
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

TEST(CrashFault, KillsInABulkLoadAmongWritersLoseNothing) {
  constexpr unsigned kills = 4;
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  std::mt19937 random(seed);
  const TemporaryDirectory directory;
  const HivePlace place(directory.path(), "hive");
  CrashRig rig(place);
  for (unsigned kill = 0; kill < kills && !::testing::Test::HasFailure(); ++kill) {
    SCOPED_TRACE(::testing::Message() << "seed " << seed << ", kill " << kill);
    const auto writer = rig.start({}, Beside::maintenance_and_load);
    ASSERT_TRUE(writer->wait_until_ready());
    writer->collect(std::chrono::milliseconds(20 + random() % 1000));
    writer->send(SIGKILL);
    rig.check(writer->finish());
  }
  rig.finish_load();
}

}  // namespace
}  // namespace triune::testing
