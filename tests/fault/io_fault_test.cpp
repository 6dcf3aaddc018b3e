// Disks that fail and fill up, under a whole hive: what was acknowledged stays, what failed says so, and the hive works
// again once the disk does (I1, I8, I11).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <iostream>
#include <list>
#include <thread>

#include "adapters/sqlite/fault_vfs.h"
#include "base/file.h"
#include "fault/crash_rig.h"
#include "stress/settings.h"
#include "support/temporary_directory.h"

namespace triune::testing {
namespace {

using adapters::sqlite::fail_at;
using adapters::sqlite::fault_operations;
using adapters::sqlite::set_fault_rule;

constexpr unsigned writers = 3;
/// The first and the eleventh carry a blob.
constexpr unsigned commits_each = 11;
constexpr unsigned runs_each_hive = 20;

/// How many points of a sweep are tried: a few, or with TRIUNE_STRESS many, or TRIUNE_STRESS_POINTS.
std::uint64_t points_wanted(std::uint64_t few) {
  return std::max<std::uint64_t>(1, stress_size("TRIUNE_STRESS_POINTS", few, 200));
}

/// So many of `operations`, spread evenly; at most all.
std::vector<std::uint64_t> points(std::uint64_t operations, std::uint64_t wanted) {
  const auto step = std::max<std::uint64_t>(1, operations / wanted);
  std::vector<std::uint64_t> chosen;
  for (std::uint64_t point = 1; point <= operations; point += step) chosen.push_back(point);
  return chosen;
}

/// Lets operation `number` on files of Triune fail, once or from then on. Counts the operations.
class FileFaults {
 public:
  FileFaults(const std::filesystem::path& root, std::uint64_t number, bool sticky, int code) {
    base::set_file_fault([this, root = root.string(), number, sticky, code](base::FileOperation operation,
                                                                            const std::filesystem::path& path) {
      if (operation == base::FileOperation::read || !path.string().starts_with(root)) return 0;
      const auto now = ++operations_;
      return number > 0 && (now == number || (sticky && now > number)) ? code : 0;
    });
  }
  ~FileFaults() { base::set_file_fault({}); }
  FileFaults(const FileFaults&) = delete;
  FileFaults& operator=(const FileFaults&) = delete;
  [[nodiscard]] std::uint64_t operations() const { return operations_; }

 private:
  std::atomic<std::uint64_t> operations_{0};
};

class IoFault : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { adapters::sqlite::install_fault_vfs(); }
  void TearDown() override {
    base::set_file_fault({});
    set_fault_rule({});
  }

  /// Writes until each thread is done or was told of a failure. Failures must be clean.
  WriterRun write(Hive& hive) {
    rig_.next_round();
    std::vector<Acknowledged> told(writers);
    std::vector<std::thread> threads;
    for (unsigned number = 0; number < writers; ++number)
      threads.emplace_back([&, number] { told[number] = write_one(hive, rig_.thread_name(number)); });
    for (auto& thread : threads) thread.join();
    WriterRun run;
    for (unsigned number = 0; number < writers; ++number) run.threads[rig_.thread_name(number)] = told[number];
    return run;
  }

  Acknowledged write_one(Hive& hive, const std::string& name) {
    Acknowledged told;
    ThreadWorkload workload(name);
    while (told.commits < commits_each) {
      const auto receipt = hive.commit(workload.next());
      if (!receipt) {
        ++failed_commits_;
        told.nothing_besides = receipt.error().retry != Retry::outcome_unknown;
        EXPECT_NE(receipt.error().code, ErrorCode::internal) << receipt.error().message;
        break;
      }
      told = {.commits = told.commits + 1, .lsn = receipt->lsn};
    }
    return told;
  }

  /// The hive at work under a fault; what fails besides commits may fail.
  WriterRun work(Hive& hive) {
    auto run = write(hive);
    static_cast<void>(hive.rebuild(""));
    return run;
  }

  /// The fault is over: the same process goes on.
  static void expect_usable(Hive& hive, unsigned turn) {
    const auto again =
        hive.commit({.changes = {PutNode{{"Hub", "hub"}, {{"turn", std::int64_t{turn}}}}}, .idempotency_key = {}});
    EXPECT_TRUE(again) << again.error().message;
    expect_current(hive);
    expect_equal_everywhere(hive);
  }

  std::unique_ptr<Hive> prepared() {
    auto hive = rig_.open();
    const auto made = prepare_workload(*hive);
    EXPECT_TRUE(made) << made.error().message;
    expect_current(*hive);
    return hive;
  }

  /// One run under `inject`, which returns an object that ends the fault when it goes.
  template <class Inject>
  void run_under(const Inject& inject, bool close_under_fault) {
    auto hive = prepared();
    auto fault = inject();
    const auto run = work(*hive);
    if (close_under_fault) {
      static_cast<void>(hive->close());
      fault.reset();
    } else {
      fault.reset();
      expect_usable(*hive, ++turns_);
    }
    hive.reset();
    rig_.check(run);
    if (++runs_ % runs_each_hive == 0) begin_hive();
  }

  /// A new one now and then: a check compares everything that was ever written.
  void begin_hive() {
    commits_ += rig_.commits_checked();
    rig_ = CrashRig(new_place(), writers);
    places_.pop_front();
  }

  const HivePlace& new_place() { return places_.emplace_back(directory_.path(), fmt::format("hive {}", runs_)); }

  void report(std::string_view what, std::uint64_t operations) const {
    std::cout << runs_ << " runs over " << operations << " operations under " << what << ", " << failed_commits_
              << " commits failed, " << commits_ + rig_.commits_checked() << " acknowledged ones found whole\n";
  }

  void sweep_files(bool sticky, int code) {
    std::uint64_t operations = 0;
    {
      const auto hive = prepared();
      const FileFaults counter(places_.back().files(), 0, false, 0);
      const auto run = work(*hive);
      EXPECT_TRUE(hive->close());
      operations = counter.operations();
      rig_.check(run);
    }
    // On a server the blobs are in the database, and only the projections in files.
    ASSERT_GT(operations, on_postgres() ? 20U : 40U) << "the workload makes too few operations to prove much";
    for (const auto point : points(operations, points_wanted(8))) {
      SCOPED_TRACE(fmt::format("file operation {} of {}{} fails with {}", point, operations,
                               sticky ? " and all later ones" : "", code));
      run_under([&] { return std::make_unique<FileFaults>(places_.back().files(), point, sticky, code); },
                sticky && point % 2 == 0);
      if (HasFailure()) return;
    }
    report("faults of Triune's own files", operations);
  }

  struct RuleGuard {
    ~RuleGuard() { set_fault_rule({}); }
  };

  void sweep_database(bool sticky, int code, int torn_bytes) {
    if (on_postgres()) GTEST_SKIP() << "a server's disk is its own; what fails there comes over the connection";
    std::uint64_t operations = 0;
    {
      const auto hive = prepared();
      set_fault_rule([](const auto&) { return adapters::sqlite::Fault{}; });
      const auto run = work(*hive);
      EXPECT_TRUE(hive->close());
      operations = fault_operations();
      set_fault_rule({});
      rig_.check(run);
    }
    ASSERT_GT(operations, 40U) << "the workload makes too few operations to prove much";
    for (const auto point : points(operations, points_wanted(7))) {
      SCOPED_TRACE(fmt::format("database operation {} of {}{} fails with {}, torn after {}", point, operations,
                               sticky ? " and all later ones" : "", code, torn_bytes));
      run_under(
          [&] {
            set_fault_rule(fail_at(point, sticky, code, torn_bytes));
            return std::make_unique<RuleGuard>();
          },
          sticky && point % 2 == 0);
      if (HasFailure()) return;
    }
    report("faults of the database's files", operations);
  }

  unsigned runs_ = 0;
  unsigned turns_ = 0;
  TemporaryDirectory directory_;
  std::list<HivePlace> places_;
  CrashRig rig_{new_place(), writers};
  std::atomic<unsigned> failed_commits_{0};
  std::uint64_t commits_ = 0;  // found whole in the hives before
};

TEST_F(IoFault, AFileOperationMayFailOnce) {
  sweep_files(false, EIO);
}

TEST_F(IoFault, AFileOperationMayFailForGood) {
  sweep_files(true, EIO);
}

TEST_F(IoFault, TheDiskMayBeFullOnce) {
  sweep_files(false, ENOSPC);
}

TEST_F(IoFault, TheDiskMayBeFullForLong) {
  sweep_files(true, ENOSPC);
}

TEST_F(IoFault, ADatabaseOperationMayFailOnce) {
  sweep_database(false, SQLITE_IOERR, 0);
}

TEST_F(IoFault, ADatabaseOperationMayFailForGood) {
  sweep_database(true, SQLITE_IOERR, 0);
}

TEST_F(IoFault, AWriteOfTheDatabaseMayBeTorn) {
  sweep_database(true, SQLITE_IOERR, 100);
}

TEST_F(IoFault, TheDatabasesDiskMayBeFull) {
  sweep_database(true, SQLITE_FULL, 0);
}

TEST_F(IoFault, ABlobThatCannotBeWrittenChangesNothing) {
  if (on_postgres()) GTEST_SKIP() << "there the bytes are rows of the same transaction";
  const auto hive = prepared();
  const auto before = hive->receipt()->lsn;
  const Commit commit{.changes = {PutNode{{"Hub", "other"}, {}}, PutBlob{"owner", "name", workload_bytes(1, 100'000)}},
                      .idempotency_key = "blob"};
  for (const int code : {EIO, ENOSPC}) {
    for (std::uint64_t point = 1; point <= 5; ++point) {
      const FileFaults faults(places_.back().files() / "blobs", point, false, code);
      const auto refused = hive->commit(commit);
      ASSERT_FALSE(refused) << "operation " << point;
      EXPECT_EQ(refused.error().code, code == ENOSPC ? ErrorCode::resource_exhausted : ErrorCode::unavailable);
      EXPECT_EQ(hive->receipt()->lsn, before);
      EXPECT_EQ(hive->get_node({"Hub", "other"}).error().code, ErrorCode::not_found);
    }
  }
  const auto done = hive->commit(commit);
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_FALSE(done->replayed);
  EXPECT_EQ(hive->get_blob("owner", "name").value(), workload_bytes(1, 100'000));
}

}  // namespace
}  // namespace triune::testing
