#include "runtime/connection_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <future>
#include <thread>
#include <vector>

#include "runtime/fake_server.h"

namespace triune::runtime {
namespace {

using contract::ConnectionPool;
using contract::PoolSettings;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds forever = std::chrono::hours(1000);

Deadline soon() {
  return Deadline::after(20s);
}

/// Whether it becomes true within a time that only a defect exceeds.
bool eventually(const std::function<bool()>& condition) {
  const auto end = soon();
  while (!end.expired()) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return condition();
}

class ConnectionPoolTest : public testing::Test {
 protected:
  void open(PoolSettings settings, StormGuard::Settings storm = {}) {
    settings.name = "read";
    pool_ = make_connection_pool_with(storm, std::move(settings), server_.connector());
  }

  ConnectionPool::Lease take(std::uint32_t preparation = 0) {
    auto lease = pool_->take(preparation, soon());
    EXPECT_TRUE(lease) << lease.error().message;
    return lease ? std::move(*lease) : ConnectionPool::Lease();
  }

  int number_taken(std::uint32_t preparation = 0) {
    const auto lease = take(preparation);
    return lease.get() == nullptr ? -1 : FakeServer::of(lease).number();
  }

  std::future<Result<ConnectionPool::Lease>> take_elsewhere(Deadline deadline = soon()) {
    return std::async(std::launch::async, [this, deadline] { return pool_->take(0, deadline); });
  }

  [[nodiscard]] bool waits(std::uint32_t count) {
    return eventually([&] { return pool_->statistics().waiting == count; });
  }

  FakeServer server_;
  std::unique_ptr<ConnectionPool> pool_;
};

TEST_F(ConnectionPoolTest, OpensOnDemandAndReusesWhatWasUsedLast) {
  open({.largest = 4});
  EXPECT_EQ(server_.attempts, 0);
  {
    const auto first = take();
    const auto second = take();
    EXPECT_EQ(server_.open, 2);
  }
  const int last = number_taken();
  EXPECT_EQ(number_taken(), last);
  EXPECT_EQ(server_.connects, 2);
}

TEST_F(ConnectionPoolTest, KeepsTheSmallestSizeOpen) {
  open({.smallest = 3, .largest = 4});
  EXPECT_TRUE(eventually([&] { return pool_->statistics().idle == 3; }));
  server_.restart();
  take();
  EXPECT_TRUE(eventually([&] { return pool_->statistics().size == 3 && server_.connects > 3; }));
}

TEST_F(ConnectionPoolTest, PrefersAnIdleConnectionThatIsPreparedAlike) {
  open({.largest = 2});
  int prepared = 0;
  {
    auto first = take();
    auto second = take();
    FakeServer::of(first).prepared = 7;
    prepared = FakeServer::of(first).number();
    first = {};
    second = {};  // now the one used last
  }
  EXPECT_EQ(number_taken(7), prepared);
  EXPECT_NE(number_taken(0), prepared);
}

TEST_F(ConnectionPoolTest, ServesWaitersInTheOrderOfAsking) {
  open({.largest = 1});
  auto lent = take();
  std::mutex mutex;
  std::vector<int> order;
  std::vector<std::thread> callers;
  for (int ticket = 0; ticket < 8; ++ticket) {
    callers.emplace_back([&, ticket] {
      const auto lease = take();
      const std::scoped_lock lock(mutex);
      order.push_back(ticket);
    });
    ASSERT_TRUE(waits(static_cast<std::uint32_t>(ticket) + 1));
  }
  lent = {};
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7}));
}

TEST_F(ConnectionPoolTest, WaiterFailsAtItsDeadlineAndTheNextIsServed) {
  open({.largest = 1});
  auto lent = take();
  auto early = take_elsewhere(Deadline::after(30ms));
  ASSERT_TRUE(waits(1));
  auto late = take_elsewhere();
  const auto failed = early.get();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(failed.error().retry, Retry::safe);
  EXPECT_NE(failed.error().message.find("'read'"), std::string::npos) << failed.error().message;
  lent = {};
  EXPECT_TRUE(late.get());
  EXPECT_EQ(pool_->statistics().timeouts, 1U);
}

TEST_F(ConnectionPoolTest, FullQueueIsRefusedAtOnce) {
  open({.largest = 1, .queue = 1});
  auto lent = take();
  auto waiting = take_elsewhere();
  ASSERT_TRUE(waits(1));
  const auto refused = pool_->take(0, soon());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::resource_exhausted);
  EXPECT_EQ(refused.error().retry, Retry::safe);
  EXPECT_EQ(pool_->statistics().rejected, 1U);
  lent = {};
  EXPECT_TRUE(waiting.get());
}

TEST_F(ConnectionPoolTest, WaiterNeverWaitsForAConnectWhenAConnectionComesBack) {
  open({.largest = 2});
  auto lent = take();
  server_.hold_connects();
  auto waiting = take_elsewhere();
  ASSERT_TRUE(eventually([&] { return server_.attempts == 2; }));
  lent = {};
  const auto served = waiting.get();  // the connect is still held
  ASSERT_TRUE(served);
  EXPECT_EQ(FakeServer::of(*served).number(), 1);
  server_.let_connect();
}

TEST_F(ConnectionPoolTest, BurstOfQuickWorkEndsWithFewConnections) {
  server_.connect_time = 150ms;
  open({.largest = 50});
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 50; ++caller)
    callers.emplace_back([&] {
      const auto lease = take();
      std::this_thread::sleep_for(2ms);
    });
  for (auto& caller : callers) caller.join();
  EXPECT_LE(server_.attempts, 10) << "one connection serves all within the time of a connect";
}

TEST_F(ConnectionPoolTest, UnusableConnectionIsClosedWhenItComesBack) {
  open({.largest = 1});
  {
    const auto lease = take();
    FakeServer::of(lease).broken = true;
  }
  EXPECT_EQ(server_.open, 0);
  EXPECT_EQ(number_taken(), 2);
  EXPECT_EQ(pool_->statistics().evicted, 1U);
}

TEST_F(ConnectionPoolTest, IdleConnectionWhoseSocketClosedIsNotLent) {
  open({.largest = 3});
  {
    const auto first = take();
    const auto second = take();
  }
  server_.restart();
  EXPECT_EQ(number_taken(), 3);
  EXPECT_EQ(server_.open, 1);
}

TEST_F(ConnectionPoolTest, FreshConnectionIsNotValidatedAndAStaleOneIs) {
  open({.largest = 1, .validate_after = forever});
  number_taken();
  number_taken();
  EXPECT_EQ(server_.validations, 0);
  open({.largest = 1, .validate_after = 0ms});
  const int number = number_taken();
  EXPECT_EQ(number_taken(), number);
  EXPECT_EQ(server_.validations, 1);
}

TEST_F(ConnectionPoolTest, StaleConnectionThatDoesNotAnswerTakesTheOthersWithIt) {
  open({.largest = 3, .validate_after = 0ms});
  {
    const auto first = take();
    const auto second = take();
    const auto third = take();
  }
  server_.answers = false;
  EXPECT_EQ(number_taken(), 4);
  EXPECT_EQ(server_.validations, 1);
  EXPECT_EQ(server_.open, 1);
}

TEST_F(ConnectionPoolTest, OldConnectionIsReplaced) {
  open({.largest = 1, .lifetime = 0ms});
  EXPECT_EQ(number_taken(), 1);
  EXPECT_EQ(number_taken(), 2);
  EXPECT_EQ(server_.open, 0);
  EXPECT_EQ(pool_->statistics().evicted, 0U) << "old age is no failure";
}

TEST_F(ConnectionPoolTest, IdleConnectionsAreClosedDownToTheSmallest) {
  open({.smallest = 1, .largest = 4, .idle_timeout = 5ms});
  {
    const auto first = take();
    const auto second = take();
    const auto third = take();
  }
  EXPECT_TRUE(eventually([&] { return server_.open == 1; }));
  EXPECT_EQ(pool_->statistics().size, 1U);
}

TEST_F(ConnectionPoolTest, EvictAllClosesIdleOnesNowAndLentOnesWhenTheyComeBack) {
  open({.largest = 2});
  auto lent = take();
  take();
  EXPECT_EQ(server_.open, 2);
  pool_->evict_all();
  EXPECT_EQ(server_.open, 1);
  lent = {};
  EXPECT_EQ(server_.open, 0);
  EXPECT_EQ(number_taken(), 3);
}

TEST_F(ConnectionPoolTest, ConnectionBegunBeforeAnEvictionIsNotLentAfterIt) {
  open({.largest = 1});
  server_.hold_connects();
  auto waiting = take_elsewhere();
  ASSERT_TRUE(eventually([&] { return server_.attempts == 1; }));
  pool_->evict_all();
  server_.let_connect();
  const auto served = waiting.get();
  ASSERT_TRUE(served);
  EXPECT_EQ(FakeServer::of(*served).number(), 2);
}

TEST_F(ConnectionPoolTest, CallersFailWithTheReasonWhileConnectsPause) {
  server_.refusals = 1'000;
  open({.largest = 4}, {.pauses = {.first = 1h, .longest = 1h}});
  for (int call = 0; call < 5; ++call) {
    const auto refused = pool_->take(0, Deadline::never());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
    EXPECT_EQ(refused.error().retry, Retry::safe);
    EXPECT_NE(refused.error().message.find("refused by the server"), std::string::npos) << refused.error().message;
  }
  EXPECT_EQ(server_.attempts, 2) << "two errors stop the storm";
  EXPECT_EQ(pool_->statistics().connect_errors, 2U);
}

TEST_F(ConnectionPoolTest, OneFailedConnectIsRepeatedForThoseWhoWait) {
  server_.refusals = 1;
  open({.largest = 4});
  EXPECT_EQ(number_taken(), 1);
}

TEST_F(ConnectionPoolTest, ReasonThatNoRepetitionMendsIsToldAtOnce) {
  server_.refusals = 1;
  server_.refusal = ErrorCode::permission_denied;
  open({.largest = 4});
  const auto refused = pool_->take(0, Deadline::never());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::permission_denied);
}

TEST_F(ConnectionPoolTest, ConnectsAgainWhenThePauseIsOver) {
  server_.refusals = 4;
  open({.largest = 4}, {.pauses = {.first = 2ms, .longest = 4ms}});
  EXPECT_TRUE(eventually([&] { return pool_->take(0, soon()).has_value(); }));
  EXPECT_EQ(server_.attempts, 5);
}

TEST_F(ConnectionPoolTest, WaitersStayWhileSomethingIsLentAndFailWhenNothingIs) {
  open({.largest = 4}, {.pauses = {.first = 1h, .longest = 1h}});
  auto lent = take();
  server_.refusals = 1'000;
  auto waiting = take_elsewhere(Deadline::never());
  ASSERT_TRUE(eventually([&] { return pool_->statistics().connect_errors == 2; }));
  EXPECT_EQ(pool_->statistics().waiting, 1U);
  FakeServer::of(lent).broken = true;
  lent = {};
  const auto refused = waiting.get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
}

TEST_F(ConnectionPoolTest, GrowsBeyondTheUnquestionedSizeOnlyForThoseWhoWait) {
  open({.largest = 8});
  std::vector<ConnectionPool::Lease> leases;
  for (int count = 0; count < 6; ++count) leases.push_back(take());
  const auto statistics = pool_->statistics();
  EXPECT_EQ(statistics.active, 6U);
  EXPECT_EQ(statistics.target, 6U);
  EXPECT_EQ(server_.connects, 6);
  EXPECT_GT(statistics.wait_p99_us, 1'000U) << "the fifth and sixth waited before the pool grew";
}

TEST_F(ConnectionPoolTest, NamesTheBorrowerWhoForgotHisConnection) {
  open({.largest = 2, .leak_after = 1ms});
  const auto lease = pool_->take(0, soon());
  const auto line = std::to_string(__LINE__ - 1);
  EXPECT_TRUE(eventually([&] { return pool_->statistics().leaks == 1; }));
  const auto place = pool_->statistics().oldest_borrower;
  EXPECT_TRUE(place.starts_with("runtime/connection_pool_test.cpp:" + line)) << place;
}

TEST_F(ConnectionPoolTest, CountsWhatItDoes) {
  open({.largest = 2});
  {
    const auto lease = take();
    const auto statistics = pool_->statistics();
    EXPECT_EQ(statistics.name, "read");
    EXPECT_EQ(statistics.size, 1U);
    EXPECT_EQ(statistics.active, 1U);
    EXPECT_EQ(statistics.idle, 0U);
    EXPECT_FALSE(statistics.oldest_borrower.empty());
  }
  const auto statistics = pool_->statistics();
  EXPECT_EQ(statistics.taken, 1U);
  EXPECT_EQ(statistics.connects, 1U);
  EXPECT_EQ(statistics.idle, 1U);
  EXPECT_EQ(statistics.active, 0U);
  EXPECT_TRUE(statistics.oldest_borrower.empty());
  EXPECT_GT(statistics.utilisation, 0);
  EXPECT_LE(statistics.utilisation, 0.5);
}

TEST_F(ConnectionPoolTest, DestructionWaitsForTheLastConnection) {
  open({.largest = 1});
  auto lent = take();
  std::atomic<bool> destroyed = false;
  std::thread closing([&] {
    pool_.reset();
    destroyed = true;
  });
  std::this_thread::sleep_for(20ms);
  EXPECT_FALSE(destroyed);
  lent = {};
  closing.join();
  EXPECT_EQ(server_.open, 0);
}

TEST_F(ConnectionPoolTest, NonsensicalBoundsAreMadeSound) {
  open({.smallest = 9, .largest = 0, .lifetime = std::chrono::milliseconds::max()});
  EXPECT_EQ(number_taken(), 1);
  EXPECT_EQ(number_taken(), 1);
}

}  // namespace
}  // namespace triune::runtime
