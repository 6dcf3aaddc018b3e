#include "hive/lease.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "base/try.h"
#include "support/hive_database.h"

namespace triune::hive {
namespace {

using contract::RelationalSession;
using namespace std::chrono_literals;

Deadline patience() {
  return Deadline::after(1min);
}

class LeaseTest : public ::testing::Test {
 protected:
  Status check(const Lease& lease) {
    return store().write([&](RelationalSession& session) { return check_lease(session, lease); }, patience());
  }
  contract::RelationalStore& store() { return database_.store(); }
  void expire() { database_.execute("UPDATE triune_leases SET expires_at = now() - interval '1 second'"); }

  testing::HiveDatabase database_;
};

TEST_F(LeaseTest, IsHeldByOneAndRefusedToOthersByName) {
  const auto mine = acquire_lease(store(), "work", "ada", 1min);
  ASSERT_TRUE(mine) << mine.error().message;
  const auto refused = acquire_lease(store(), "work", "bob", 1min);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::conflict);
  EXPECT_EQ(refused.error().retry, Retry::safe);
  EXPECT_NE(refused.error().message.find("ada holds the lease 'work'"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(acquire_lease(store(), "other work", "bob", 1min));
  EXPECT_TRUE(check(*mine));
}

TEST_F(LeaseTest, TokenGrowsWithEveryHandAndOlderOnesAreRefused) {
  const auto first = acquire_lease(store(), "work", "ada", 1min);
  expire();
  EXPECT_EQ(check(*first).error().code, ErrorCode::conflict) << "ended";
  EXPECT_EQ(renew_lease(store(), *first, 1min).error().code, ErrorCode::conflict);
  const auto second = acquire_lease(store(), "work", "bob", 1min);
  ASSERT_TRUE(second);
  EXPECT_GT(second->token, first->token);
  EXPECT_EQ(check(*first).error().code, ErrorCode::conflict);
  EXPECT_TRUE(release_lease(store(), *first)) << "does not end another's";
  EXPECT_TRUE(check(*second));
  EXPECT_TRUE(renew_lease(store(), *second, 1min));
  EXPECT_TRUE(release_lease(store(), *second));
  EXPECT_EQ(check(*second).error().code, ErrorCode::conflict);
  const auto third = acquire_lease(store(), "work", "ada", 1min);
  ASSERT_TRUE(third);
  EXPECT_GT(third->token, second->token) << "also after a release";
}

TEST_F(LeaseTest, HolderThatStartsAnewTakesItFromItself) {
  const auto before = acquire_lease(store(), "work", "ada", 1min);
  const auto after = acquire_lease(store(), "work", "ada", 1min);
  ASSERT_TRUE(before && after);
  EXPECT_FALSE(check(*before));
  EXPECT_TRUE(check(*after));
}

TEST_F(LeaseTest, DoesNotChangeHandsWhileAJobThatCheckedItRuns) {
  const auto mine = acquire_lease(store(), "work", "ada", 1min);
  ASSERT_TRUE(mine);
  std::atomic<bool> job_ended{false};
  std::atomic<bool> taken_before{false};
  std::thread other;
  const auto done = store().write(
      [&](RelationalSession& session) -> Status {
        TRIUNE_TRY(check_lease(session, *mine));
        // Its time is up now, but whoever wants it must wait for this job.
        other = std::thread([&] {
          static_cast<void>(acquire_lease(store(), "work", "ada", 1min));
          taken_before = !job_ended;
        });
        std::this_thread::sleep_for(300ms);
        job_ended = true;
        return {};
      },
      patience());
  other.join();
  EXPECT_TRUE(done);
  EXPECT_FALSE(taken_before);
}

TEST_F(LeaseTest, ManyWhoWantItAtOnceNeverHaveItTogether) {
  std::atomic<int> inside{0};
  std::atomic<int> together{0};
  std::atomic<int> acquired{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 40; ++round) {
        const auto lease = acquire_lease(store(), "work", std::to_string(i), 1min);
        if (!lease) continue;
        if (++inside > 1) ++together;
        ++acquired;
        --inside;
        EXPECT_TRUE(release_lease(store(), *lease));
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(together, 0);
  EXPECT_GT(acquired, 0);
}

}  // namespace
}  // namespace triune::hive
