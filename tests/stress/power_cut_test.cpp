// Power cuts while 16 threads commit, a bulk load runs, projections are rebuilt and compared and blobs swept: whatever
// was acknowledged is there after the disk is mounted again (I1, I3, I8, I11). TRIUNE_STRESS_CUTS says how many.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <iostream>

#include "fault/crash_rig.h"
#include "stress/power_cut_disk.h"
#include "stress/settings.h"

namespace triune::testing {
namespace {

constexpr std::uint64_t default_cuts = 300;
constexpr std::uint64_t cuts_each_disk = 12;

class PowerCut : public ::testing::Test {
 protected:
  void SetUp() override {
    static const auto reason = PowerCutDisk::why_not();
    if (reason) GTEST_SKIP() << *reason;
  }

  /// Lets the writer work for so long, then cuts the power of its disk and brings it back.
  WriterRun cut_after(PowerCutDisk& disk, WriterProcess& writer, std::chrono::milliseconds time) {
    writer.collect(time);
    writer.freeze();
    if (random_() % 2 == 0) disk.write_back_some(random_);
    disk.cut();
    writer.send(SIGKILL);
    auto run = writer.finish();
    disk.restart();
    EXPECT_EQ(run.ending.signal, SIGKILL) << "exit code " << run.ending.exit_code;
    return run;
  }

  void cut_one_disk(std::uint64_t number, std::uint64_t cuts) {
    PowerCutDisk disk(number % 2 == 0 ? Journaling::ordered : Journaling::writeback);
    CrashRig rig(disk.path() / "hive");
    const bool with_load = number % 4 < 2;
    bool loading = with_load;
    for (std::uint64_t cut = 0; cut < cuts && !HasFailure(); ++cut) {
      SCOPED_TRACE(::testing::Message() << "disk " << number << ", cut " << cut);
      const auto writer = rig.start({}, loading ? Beside::maintenance_and_load : Beside::maintenance);
      const auto run = cut_after(disk, *writer, std::chrono::milliseconds(20 + random_() % 700));
      rig.check(run);
      loading = loading && !run.loaded;
    }
    if (with_load) rig.finish_load();
    commits_ += rig.commits_checked();
  }

  std::uint64_t commits_ = 0;
  std::mt19937_64 random_{stress_seed()};
};

void write_file(const std::filesystem::path& path, bool synced) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_GE(file, 0);
  ASSERT_EQ(::write(file, "text", 4), 4);
  ASSERT_TRUE(!synced || ::fsync(file) == 0);
  ::close(file);
}

TEST_F(PowerCut, KeepsWhatWasSyncedAndNothingElse) {
  PowerCutDisk disk(Journaling::ordered);
  write_file(disk.path() / "synced", true);
  write_file(disk.path() / "renamed before", true);
  std::filesystem::rename(disk.path() / "renamed before", disk.path() / "renamed after");
  write_file(disk.path() / "not synced", false);
  disk.cut();
  disk.restart();
  EXPECT_EQ(std::filesystem::file_size(disk.path() / "synced"), 4U);
  EXPECT_TRUE(std::filesystem::exists(disk.path() / "renamed before"));
  EXPECT_FALSE(std::filesystem::exists(disk.path() / "renamed after"));
  EXPECT_FALSE(std::filesystem::exists(disk.path() / "not synced"));
}

TEST_F(PowerCut, FindsTheCommitsThatAWriterWithoutSyncsLoses) {
  PowerCutDisk disk(Journaling::ordered);
  const auto directory = disk.path() / "hive";
  ASSERT_TRUE(prepare_workload(*open_hive(directory)));
  WriterProcess writer({TRIUNE_UNSYNCED_WRITER, "commits", directory.string(), directory.string(), "1", "1000000"});
  ASSERT_TRUE(writer.wait_until_ready());
  const auto run = cut_after(disk, writer, std::chrono::milliseconds(500));
  ASSERT_GT(run.commits(), 0U);
  const auto hive = Hive::open(directory);
  const auto found = hive ? (*hive)->receipt()->lsn : 0;
  EXPECT_LT(found, run.lsn()) << "the rig cannot find what is lost";
}

TEST_F(PowerCut, NothingAcknowledgedIsLost) {
  const auto cuts = stress_setting("TRIUNE_STRESS_CUTS", default_cuts);
  for (std::uint64_t done = 0; done < cuts && !HasFailure(); done += cuts_each_disk) {
    cut_one_disk(done / cuts_each_disk, std::min(cuts_each_disk, cuts - done));
    std::cerr << std::min(done + cuts_each_disk, cuts) << " of " << cuts << " power cuts\n";
  }
  std::cout << cuts << " power cuts, " << commits_ << " acknowledged commits found whole\n";
}

}  // namespace
}  // namespace triune::testing
