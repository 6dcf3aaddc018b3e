#include "runtime/circuit_breaker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace triune::runtime {
namespace {

using namespace std::chrono_literals;
using State = CircuitBreaker::State;

const Error broken{.code = ErrorCode::unavailable,
                   .message = "the server closed the connection",
                   .engine = {},
                   .native_code = {},
                   .retry = Retry::safe,
                   .connection_usable = false};

class CircuitBreakerTest : public testing::Test {
 protected:
  void call(bool succeeds) {
    auto permit = breaker_.admit();
    ASSERT_TRUE(permit) << permit.error().message;
    if (succeeds)
      permit->succeeded();
    else
      permit->failed(broken);
  }
  void succeed(int times) {
    for (int i = 0; i < times; ++i) call(true);
  }
  void fail(int times) {
    for (int i = 0; i < times; ++i) call(false);
  }
  [[nodiscard]] State state() const { return breaker_.statistics().state; }

  CircuitBreaker::Clock::time_point now_ = CircuitBreaker::Clock::now();
  double random_ = 1;  // no jitter
  CircuitBreaker breaker_{{.name = "here/write", .open_for = {.first = 500ms, .longest = 3s}},
                          [this] { return now_; },
                          [this] { return random_; }};
};

TEST_F(CircuitBreakerTest, OpensAfterFailuresInARow) {
  fail(4);
  EXPECT_EQ(state(), State::closed);
  succeed(1);
  fail(4);
  EXPECT_EQ(state(), State::closed) << "a success ended the first row";
  fail(1);
  EXPECT_EQ(state(), State::open);
}

TEST_F(CircuitBreakerTest, OpensWhenHalfOfTheWindowFailed) {
  for (int pair = 0; pair < 9; ++pair) {
    succeed(1);
    fail(1);
  }
  EXPECT_EQ(state(), State::closed) << "eighteen calls say nothing yet";
  succeed(1);
  fail(1);
  EXPECT_EQ(state(), State::open);
}

TEST_F(CircuitBreakerTest, ForgetsWhatLeftTheWindow) {
  for (int i = 0; i < 10; ++i) {
    succeed(2);
    fail(1);
  }
  succeed(100);
  for (int i = 0; i < 12; ++i) {
    fail(4);
    succeed(4);
  }
  EXPECT_EQ(state(), State::closed) << "48 of the last 100";
  fail(2);
  EXPECT_EQ(state(), State::open);
}

TEST_F(CircuitBreakerTest, OpenRefusesAtOnceWithReasonAndTime) {
  fail(5);
  now_ += 200ms;
  const auto refused = breaker_.admit();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_EQ(refused.error().retry, Retry::safe);
  EXPECT_EQ(refused.error().message,
            "'here/write' has been failing for 0.2 s and is not asked meanwhile; it is tried again in 0.3 s; the last "
            "failure was: the server closed the connection");
  EXPECT_EQ(breaker_.statistics().refused, 1U);
}

TEST_F(CircuitBreakerTest, LetsABoundedNumberOfProbesThrough) {
  fail(5);
  now_ += 500ms;
  std::vector<CircuitBreaker::Permit> probes;
  for (int i = 0; i < 3; ++i) {
    auto probe = breaker_.admit();
    ASSERT_TRUE(probe);
    probes.push_back(std::move(*probe));
  }
  EXPECT_EQ(state(), State::half_open);
  EXPECT_FALSE(breaker_.admit());
  probes.pop_back();  // it never reached the store: another may try
  EXPECT_TRUE(breaker_.admit());
}

TEST_F(CircuitBreakerTest, ClosesAfterEnoughProbesSucceeded) {
  fail(5);
  now_ += 500ms;
  succeed(2);
  EXPECT_EQ(state(), State::half_open);
  succeed(1);
  EXPECT_EQ(state(), State::closed);
  fail(4);
  EXPECT_EQ(state(), State::closed) << "the old failures are forgotten";
}

TEST_F(CircuitBreakerTest, AFailedProbeOpensForLongerUpToABound) {
  fail(5);
  for (const auto pause : {500ms, 1000ms, 2000ms, 3000ms, 3000ms}) {
    now_ += pause - 1ms;
    EXPECT_FALSE(breaker_.admit());
    now_ += 1ms;
    fail(1);
    EXPECT_EQ(state(), State::open);
  }
  EXPECT_EQ(breaker_.statistics().opened, 6U);
}

TEST_F(CircuitBreakerTest, ResultsOfCallsBegunBeforeDoNotCount) {
  auto late_failure = breaker_.admit();
  auto late_success = breaker_.admit();
  fail(5);
  now_ += 500ms;
  auto probe = breaker_.admit();
  ASSERT_TRUE(late_failure && late_success && probe);
  late_failure->failed(broken);
  late_success->succeeded();
  EXPECT_EQ(state(), State::half_open);
  probe->succeeded();
  succeed(2);
  EXPECT_EQ(state(), State::closed);
}

TEST_F(CircuitBreakerTest, JitterKeepsAtLeastHalfTheTime) {
  random_ = 0;
  fail(5);
  now_ += 249ms;
  EXPECT_FALSE(breaker_.admit());
  now_ += 1ms;
  EXPECT_TRUE(breaker_.admit());
}

TEST_F(CircuitBreakerTest, NeverLetsMoreProbesOutThanAllowedWhateverTheInterleaving) {
  fail(5);
  for (int round = 0; round < 100; ++round) {
    now_ += 10s;
    std::atomic<int> ready = 0;
    std::vector<std::optional<CircuitBreaker::Permit>> permits(6);
    std::vector<std::thread> threads;
    for (auto& permit : permits)
      threads.emplace_back([&] {
        ++ready;
        while (ready < 6) std::this_thread::yield();
        if (auto admitted = breaker_.admit()) permit.emplace(std::move(*admitted));
      });
    for (auto& thread : threads) thread.join();
    ASSERT_EQ(std::ranges::count_if(permits, [](const auto& permit) { return permit.has_value(); }), 3);
    for (auto& permit : permits)
      if (permit) permit->failed(broken);
    ASSERT_EQ(state(), State::open);
  }
}

}  // namespace
}  // namespace triune::runtime
