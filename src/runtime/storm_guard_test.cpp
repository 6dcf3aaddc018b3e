#include "runtime/storm_guard.h"

#include <gtest/gtest.h>

#include <string>

namespace triune::runtime {
namespace {

using namespace std::chrono_literals;

class StormGuardTest : public testing::Test {
 protected:
  void fail(std::string message = "refused") {
    guard_.failed(Error{.code = ErrorCode::unavailable, .message = std::move(message), .engine = {}, .native_code = {}},
                  now_);
  }

  double random_ = 1;  // no jitter
  StormGuard guard_{{.errors = 2, .window = 15s, .pauses = {.first = 100ms, .longest = 1s}},
                    [this] { return random_; }};
  StormGuard::Clock::time_point now_ = StormGuard::Clock::now();
};

TEST_F(StormGuardTest, OneErrorStopsNothing) {
  EXPECT_FALSE(guard_.blocks(now_));
  fail();
  EXPECT_FALSE(guard_.blocks(now_));
}

TEST_F(StormGuardTest, SecondErrorInTheWindowBlocksUntilThePauseIsOver) {
  fail();
  now_ += 14s;
  fail("still refused");
  EXPECT_TRUE(guard_.blocks(now_));
  EXPECT_TRUE(guard_.blocks(now_ + 99ms));
  EXPECT_FALSE(guard_.blocks(now_ + 100ms));
  EXPECT_EQ(guard_.reason().message, "still refused");
}

TEST_F(StormGuardTest, PausesDoubleUpToTheLongest) {
  fail();
  for (const auto pause : {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms}) {
    fail();
    EXPECT_EQ(guard_.next_attempt(), now_ + pause);
    now_ = guard_.next_attempt();
  }
}

TEST_F(StormGuardTest, ErrorsFarApartAreNoStorm) {
  for (int error = 0; error < 5; ++error) {
    fail();
    EXPECT_FALSE(guard_.blocks(now_));
    now_ += 16s;
  }
}

TEST_F(StormGuardTest, SuccessForgets) {
  fail();
  fail();
  guard_.succeeded();
  EXPECT_FALSE(guard_.blocks(now_));
  fail();
  EXPECT_FALSE(guard_.blocks(now_));
}

TEST_F(StormGuardTest, JitterKeepsAtLeastHalfThePause) {
  random_ = 0;
  fail();
  fail();
  EXPECT_EQ(guard_.next_attempt(), now_ + 50ms);
}

}  // namespace
}  // namespace triune::runtime
