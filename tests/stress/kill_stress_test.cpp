// Hundreds of kill -9 at random moments and at every failpoint, while 16 threads commit, a bulk load runs, projections
// are rebuilt and compared and blobs swept (I1, I3, I8, I11). TRIUNE_STRESS_KILLS says how many.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>

#include "fault/crash_rig.h"
#include "fault/failpoints.h"
#include "stress/settings.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

constexpr std::uint64_t default_kills = 300;
constexpr std::uint64_t kills_each_hive = 12;
constexpr std::uint64_t kills_that_reach_all = 100;
// A failpoint that a writer does not come to in this time was asked for a pass too many: it dies then and there.
constexpr auto failpoint_patience = std::chrono::seconds(3);
constexpr std::string_view random_moment = "a random moment";

class KillStress : public ::testing::Test {
 protected:
  KillStress() {
    for (const auto& failpoint : failpoints()) {
      auto& passes = most_passes_[std::string(failpoint.name)];
      passes = std::max(passes, *std::max_element(failpoint.passes.begin(), failpoint.passes.end()));
    }
    next_ = most_passes_.begin();
  }

  /// Which failpoint kills; empty: none, but a random moment. Some are only passed early in a hive's life.
  std::string choose(std::uint64_t kill, bool loading) {
    if (kill == 0) return "migrate.before_record";
    if (kill % 2 == 1) return {};
    if (kill == 2 && loading) return "load.before_log";
    do {
      if (++next_ == most_passes_.end()) next_ = most_passes_.begin();
    } while (next_->first == "migrate.before_record" || next_->first == "load.before_log");
    return next_->first;
  }

  WriterRun kill_once(CrashRig& rig, const std::string& failpoint, Beside beside) {
    const int pass = failpoint.empty() ? 0 : 1 + static_cast<int>(random_() % (2 * most_passes_[failpoint] - 1));
    const auto writer = rig.start(failpoint.empty() ? failpoint : failpoint_setting(failpoint, pass), beside);
    const bool lives = writer->collect(failpoint.empty() ? std::chrono::milliseconds(20 + random_() % 1000)
                                                         : std::chrono::milliseconds(failpoint_patience));
    writer->send(SIGKILL);
    auto run = writer->finish();
    EXPECT_EQ(run.ending.signal, SIGKILL) << "exit code " << run.ending.exit_code;
    ++kills_[lives ? std::string(random_moment) : failpoint];
    return run;
  }

  void kill_one_hive(std::uint64_t hive, std::uint64_t kills) {
    const TemporaryDirectory directory;
    const HivePlace place(directory.path(), "hive");
    CrashRig rig(place);
    bool loading = hive % 2 == 0;
    for (std::uint64_t kill = 0; kill < kills && !HasFailure(); ++kill) {
      const auto failpoint = choose(kill, loading);
      SCOPED_TRACE(::testing::Message() << "hive " << hive << ", kill " << kill << " " << failpoint);
      const auto run = kill_once(rig, failpoint, loading ? Beside::maintenance_and_load : Beside::maintenance);
      rig.check(run);
      loading = loading && !run.loaded;
    }
    if (hive % 2 == 0) rig.finish_load();
    commits_ += rig.commits_checked();
  }

  std::map<std::string, int> most_passes_;
  std::map<std::string, int>::const_iterator next_;
  std::map<std::string, std::uint64_t> kills_;
  std::uint64_t commits_ = 0;
  std::mt19937_64 random_{stress_seed()};
};

TEST_F(KillStress, NothingAcknowledgedIsLost) {
  const auto kills = stress_setting("TRIUNE_STRESS_KILLS", default_kills);
  for (std::uint64_t done = 0; done < kills && !HasFailure(); done += kills_each_hive) {
    kill_one_hive(done / kills_each_hive, std::min(kills_each_hive, kills - done));
    std::cerr << std::min(done + kills_each_hive, kills) << " of " << kills << " kills\n";
  }
  for (const auto& [place, count] : kills_) std::cout << count << " kills at " << place << "\n";
  std::cout << commits_ << " acknowledged commits found whole\n";
  if (kills < kills_that_reach_all || HasFailure()) return;
  for (const auto& [failpoint, passes] : most_passes_) EXPECT_GT(kills_[failpoint], 0U) << failpoint;
}

}  // namespace
}  // namespace triune::testing
