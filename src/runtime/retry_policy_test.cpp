#include "runtime/retry_policy.h"

#include <gtest/gtest.h>

#include <vector>

namespace triune::runtime {
namespace {

using namespace std::chrono_literals;

Error error_of(Retry retry, ErrorCode code = ErrorCode::unavailable) {
  return Error{.code = code, .message = "no", .engine = {}, .native_code = {}, .retry = retry};
}

class RetryPolicyTest : public testing::Test {
 protected:
  RetryPolicy make(RetryPolicy::Settings settings) {
    return RetryPolicy(settings, {.now = [this] { return now_; },
                                  .random = [] { return 0.5; },
                                  .sleep = [this](auto pause) { pauses_.push_back(pause); }});
  }

  /// Calls that fail with `error` so many times before one succeeds; returns how often it was called.
  int calls(RetryPolicy& policy, const Error& error, int failures, bool has_key = false,
            Deadline deadline = Deadline::never()) {
    int called = 0;
    last_ = policy.run(deadline, has_key, [&]() -> Status {
      if (++called <= failures) return std::unexpected(error);
      return {};
    });
    return called;
  }

  RetryPolicy::Clock::time_point now_ = RetryPolicy::Clock::now();
  std::vector<std::chrono::milliseconds> pauses_;
  Status last_;
};

TEST_F(RetryPolicyTest, RepeatsWhatIsSafeWithGrowingPauses) {
  auto policy = make({.attempts = 4, .pauses = {.first = 20ms, .longest = 1s}});
  EXPECT_EQ(calls(policy, error_of(Retry::safe), 3), 4);
  EXPECT_TRUE(last_);
  EXPECT_EQ(pauses_, (std::vector<std::chrono::milliseconds>{10ms, 20ms, 40ms})) << "half of 20, 40 and 80";
}

TEST_F(RetryPolicyTest, GivesUpAfterItsAttemptsWithTheLastError) {
  auto policy = make({.attempts = 3});
  EXPECT_EQ(calls(policy, error_of(Retry::safe), 100), 3);
  ASSERT_FALSE(last_);
  EXPECT_EQ(last_.error().code, ErrorCode::unavailable);
}

TEST_F(RetryPolicyTest, AnUnknownOutcomeIsRepeatedOnlyWithAnIdempotencyKey) {
  auto policy = make({});
  EXPECT_EQ(calls(policy, error_of(Retry::outcome_unknown), 1, false), 1);
  EXPECT_EQ(calls(policy, error_of(Retry::outcome_unknown), 1, true), 2);
  EXPECT_EQ(calls(policy, error_of(Retry::never), 1, true), 1);
}

TEST_F(RetryPolicyTest, ARefusalForWantOfRoomIsNotRepeated) {
  auto policy = make({});
  EXPECT_EQ(calls(policy, error_of(Retry::safe, ErrorCode::resource_exhausted), 1), 1);
  EXPECT_EQ(calls(policy, error_of(Retry::safe, ErrorCode::cancelled), 1), 1);
}

TEST_F(RetryPolicyTest, DoesNotSleepBeyondTheDeadline) {
  auto policy = make({.pauses = {.first = 1h, .longest = 1h}});
  EXPECT_EQ(calls(policy, error_of(Retry::safe), 1, false, Deadline::after(1min)), 1);
  EXPECT_TRUE(pauses_.empty());
  EXPECT_EQ(calls(policy, error_of(Retry::safe), 1, false, Deadline::after(2h)), 2);
}

TEST_F(RetryPolicyTest, RepetitionsStayASmallShareOfTheCalls) {
  auto policy = make({.attempts = 4, .share = 0.1, .per_second = 0});
  for (int call = 0; call < 1'000; ++call) calls(policy, error_of(Retry::safe), 100);
  EXPECT_LE(policy.counts().repetitions, 100U);
  EXPECT_GE(policy.counts().repetitions, 90U);
  EXPECT_GT(policy.counts().over_budget, 800U);
}

TEST_F(RetryPolicyTest, QuietTimesSaveUpABoundedNumberOfRepetitions) {
  auto policy = make({.attempts = 100, .share = 0, .per_second = 1, .most_saved = 20});
  EXPECT_EQ(calls(policy, error_of(Retry::safe), 1'000), 11) << "ten at the beginning";
  now_ += 5s;
  EXPECT_EQ(calls(policy, error_of(Retry::safe), 1'000), 6);
  now_ += 1h;
  EXPECT_EQ(calls(policy, error_of(Retry::safe), 1'000), 21);
}

}  // namespace
}  // namespace triune::runtime
