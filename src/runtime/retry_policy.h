// Sending a failed request again: when that is allowed, how often, and how many may do it at once.
//
// Again only what cannot take effect twice (I11): errors that are `safe`, and those whose outcome is unknown when the
// request carries an idempotency key. Never what was refused because a bound was reached: repeating would undo the
// refusal. A budget keeps repetitions a small share of the calls, so that an outage is not answered with a storm.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>

#include "runtime/backoff.h"
#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::runtime {

/// Any thread.
class RetryPolicy {
 public:
  using Clock = std::chrono::steady_clock;

  struct Settings {
    std::uint32_t attempts = 4;  ///< Of one call at most, the first included.
    Backoff pauses{.first = std::chrono::milliseconds(20), .longest = std::chrono::milliseconds(1'000)};
    double share = 0.1;      ///< Repetitions to calls, at most, in the long run,
    double per_second = 1;   ///< and so many besides, for those who call seldom.
    double most_saved = 50;  ///< Repetitions that quiet times may save up.
  };

  /// For tests.
  struct Surroundings {
    std::function<Clock::time_point()> now;
    RandomSource random;
    std::function<void(std::chrono::milliseconds)> sleep;
  };

  struct Counts {
    std::uint64_t calls = 0;
    std::uint64_t repetitions = 0;
    std::uint64_t over_budget = 0;  ///< Not repeated for want of budget.
  };

  RetryPolicy() : RetryPolicy(Settings()) {}
  explicit RetryPolicy(Settings settings);
  RetryPolicy(Settings settings, Surroundings surroundings);

  /// Makes a call (returning a Result) until it succeeds or may not be repeated; returns the last result. Sleeps
  /// between attempts, and returns the error at once when the deadline would pass meanwhile.
  template <class Call>
  auto run(Deadline deadline, bool has_idempotency_key, const Call& call) -> decltype(call()) {
    begin();
    for (std::uint32_t attempt = 0;; ++attempt) {
      auto result = call();
      if (result) return result;
      if (!pause(attempt, result.error(), deadline, has_idempotency_key)) return result;
    }
  }

  /// Whether the kind of error allows a repetition at all.
  static bool allows(const Error& error, bool has_idempotency_key);

  [[nodiscard]] Counts counts() const;

 private:
  /// A new call: pays its share into the budget.
  void begin();
  /// Sleeps before the next attempt; false when there shall be none.
  bool pause(std::uint32_t attempt, const Error& error, Deadline deadline, bool has_idempotency_key);
  /// The pause, paid for; nothing when it may not be.
  std::optional<std::chrono::milliseconds> withdraw(std::uint32_t attempt, Deadline deadline);
  void refill();

  const Settings settings_;
  const Surroundings surroundings_;
  mutable std::mutex mutex_;  ///< Guards what follows.
  double saved_;              ///< Repetitions that may be made now.
  Clock::time_point refilled_;
  Counts counts_;
};

}  // namespace triune::runtime
