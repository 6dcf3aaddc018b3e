// Connections that break around a COMMIT, and deadlines on connections that are dead (I11).
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "fault_postgres/shared_database.h"
#include "fault_postgres/tcp_proxy.h"
#include "stress/settings.h"

namespace triune::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Clock = std::chrono::steady_clock;

unsigned rounds() {
  return static_cast<unsigned>(stress_size("TRIUNE_STRESS_ROUNDS", 100, 1'000));
}

bool puts_blob(const Commit& commit) {
  return std::any_of(commit.changes.begin(), commit.changes.end(),
                     [](const Change& change) { return std::holds_alternative<PutBlob>(change); });
}

/// A hive behind a proxy, and one beside it that sees the server directly.
class CommitFault : public ::testing::Test {
 protected:
  void SetUp() override {
    direct_ = database_.open("direct");
    ASSERT_NE(direct_, nullptr);
    ASSERT_TRUE(prepare_workload(*direct_));
    database_.trace_effects();
    hive_ = database_.open("behind", proxy_.url(database_.name()));
    ASSERT_NE(hive_, nullptr);
  }

  /// Sends until it is answered.
  Receipt persist(const Commit& commit) {
    const auto end = Deadline::after(seconds(60));
    for (;;) {
      auto receipt = hive_->commit(commit);
      if (receipt) return *receipt;
      EXPECT_NE(receipt.error().retry, Retry::never) << receipt.error().message;
      EXPECT_NE(receipt.error().code, ErrorCode::internal) << receipt.error().message;
      if (receipt.error().retry == Retry::never || end.expired()) {
        ADD_FAILURE() << "never answered: " << receipt.error().message;
        return {};
      }
      std::this_thread::sleep_for(milliseconds(20));
    }
  }

  void answered(const Receipt& receipt) {
    run_.threads["behind"] = {.commits = workload_.number(), .lsn = receipt.lsn};
  }

  /// One commit whose COMMIT is cut off, and then sent again. Whether the cut hit this commit and not work of the node.
  bool cut_one(Cut where) {
    const auto commit = workload_.next();
    const auto cuts = proxy_.cuts();
    // Blobs are stored by a transaction of their own before, which is not the one that is meant.
    if (puts_blob(commit)) {
      answered(persist(commit));
      return false;
    }
    proxy_.cut_next_commit(where);
    const auto first = hive_->commit(commit);
    if (first) {
      answered(*first);
      return false;
    }
    EXPECT_EQ(first.error().retry, Retry::outcome_unknown) << first.error().message;
    EXPECT_EQ(first.error().code, ErrorCode::unavailable) << first.error().message;
    EXPECT_FALSE(first.error().connection_usable);
    EXPECT_EQ(proxy_.cuts(), cuts + 1);
    const auto again = persist(commit);
    EXPECT_EQ(again.replayed, where == Cut::after_commit);
    answered(again);
    return true;
  }

  void cut_many(Cut where) {
    unsigned hit = 0;
    for (unsigned turn = 0; hit < rounds() && turn < 3 * rounds() && !HasFailure(); ++turn)
      hit += cut_one(where) ? 1 : 0;
    EXPECT_EQ(hit, rounds());
    proxy_.cut_next_commit(Cut::none);
    EXPECT_EQ(expect_acknowledged(*direct_, run_), workload_.number());
    expect_single_effects(*direct_, run_);
    expect_current(*hive_);
    expect_equal_everywhere(*hive_);
    std::cout << hit << " connections cut at the COMMIT, " << workload_.number()
              << " commits found whole, none twice\n";
  }

  SharedDatabase database_{shared_postgres_server()};
  TcpProxy proxy_{shared_postgres_server().port()};
  std::unique_ptr<Hive> direct_;
  std::unique_ptr<Hive> hive_;
  ThreadWorkload workload_{"behind"};
  WriterRun run_;
};

TEST_F(CommitFault, AResetBeforeTheServerGetsTheCommitLosesAndDoublesNothing) {
  cut_many(Cut::before_commit);
}

TEST_F(CommitFault, AResetBeforeTheClientGetsTheAnswerLosesAndDoublesNothing) {
  cut_many(Cut::after_commit);
}

TEST_F(CommitFault, ACommitSentAgainWhileTheFirstStillRunsGetsItsAnswer) {
  // The first holds its locks; the second meets its key only when the first is through.
  for (int round = 0; round < 20 && !HasFailure(); ++round) {
    const auto commit = workload_.next();
    proxy_.set_delay(milliseconds(4));
    Result<Receipt> slow;
    std::thread sender([&] { slow = hive_->commit(commit); });
    std::this_thread::sleep_for(milliseconds(5 + 8 * round));
    const auto fast = direct_->commit(commit);
    sender.join();
    ASSERT_TRUE(fast) << fast.error().message;
    ASSERT_TRUE(slow) << slow.error().message;
    EXPECT_EQ(fast->lsn, slow->lsn);
    EXPECT_NE(fast->replayed, slow->replayed);
    answered(*fast);
  }
  proxy_.set_delay(milliseconds(0));
  expect_single_effects(*direct_, run_);
}

TEST_F(CommitFault, ADeadConnectionIsGivenUpAtTheDeadline) {
  persist(workload_.next());
  const auto commit = workload_.next();
  proxy_.set_flow(Flow::blackhole);
  const auto begun = Clock::now();
  const auto lost = hive_->commit(commit, {.deadline = Deadline::after(seconds(1))});
  const auto commit_time = Clock::now() - begun;
  ASSERT_FALSE(lost);
  EXPECT_TRUE(lost.error().code == ErrorCode::deadline_exceeded || lost.error().code == ErrorCode::unavailable)
      << lost.error().message;
  EXPECT_NE(lost.error().retry, Retry::never) << lost.error().message;
  // The deadline, the time a COMMIT is given at least, and the moment that a cancelled statement has to be answered.
  EXPECT_LT(commit_time, seconds(8));
  ReadOptions options;
  options.deadline = Deadline::after(milliseconds(500));
  const auto before_read = Clock::now();
  const auto read = hive_->sql("SELECT count(*) FROM tasks", {}, options);
  EXPECT_FALSE(read);
  // Before it runs, a statement is looked at on the server, for which the adapter takes ten seconds of its own.
  EXPECT_LT(Clock::now() - before_read, seconds(8));
  proxy_.set_flow(Flow::open);
  answered(persist(commit));
  EXPECT_EQ(expect_acknowledged(*direct_, run_), workload_.number());
  expect_single_effects(*direct_, run_);
  std::cout << "given up after " << std::chrono::duration_cast<milliseconds>(commit_time).count() << " ms\n";
}

TEST_F(CommitFault, AServerThatRefusesIsUnavailableAtOnceAndComesBackByItself) {
  persist(workload_.next());
  const auto commit = workload_.next();
  proxy_.set_flow(Flow::refused);
  for (int attempt = 0; attempt < 10; ++attempt) {
    const auto refused = hive_->commit(commit, {.deadline = Deadline::after(milliseconds(500))});
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().code == ErrorCode::unavailable || refused.error().code == ErrorCode::deadline_exceeded)
        << to_string(refused.error().code) << ": " << refused.error().message;
    EXPECT_NE(refused.error().retry, Retry::never);
  }
  proxy_.set_flow(Flow::open);
  answered(persist(commit));
  expect_single_effects(*direct_, run_);
  expect_current(*hive_);
  expect_equal_everywhere(*hive_);
}

}  // namespace
}  // namespace triune::testing
