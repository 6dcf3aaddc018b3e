// Stops a pool from storming a server that refuses connections.
//
//   free --error--> warned --second error within the window--> blocked until a pause has passed
//     ^                                                          |   (then one attempt is allowed)
//     +------------------------- success ------------------------+--- error: blocked, twice as long
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "runtime/backoff.h"
#include "triune/status.h"

namespace triune::runtime {

/// Not thread safe: its owner's lock guards it. Times come from outside, so that tests need no sleep.
class StormGuard {
 public:
  using Clock = std::chrono::steady_clock;

  struct Settings {
    std::uint32_t errors = 2;         ///< Errors within `window` that start the pauses.
    std::chrono::seconds window{15};  ///< Older errors are forgotten.
    /// Between attempts, with jitter. The longest is short, because one attempt every two seconds is no load, and the
    /// server is back within that time of its return.
    Backoff pauses{.first = std::chrono::milliseconds(100), .longest = std::chrono::milliseconds(2'000)};
  };

  StormGuard() : StormGuard(Settings(), random_source()) {}
  StormGuard(Settings settings, RandomSource random) : settings_(settings), random_(std::move(random)) {}

  void failed(Error reason, Clock::time_point now);
  void succeeded();

  /// When the next attempt may be made; the clock's smallest value when at once.
  [[nodiscard]] Clock::time_point next_attempt() const { return next_; }
  [[nodiscard]] bool blocks(Clock::time_point now) const { return now < next_; }
  /// Whether the last attempt failed.
  [[nodiscard]] bool is_warned() const { return errors_ > 0; }
  /// The last error; meaningful after one.
  [[nodiscard]] const Error& reason() const { return reason_; }

 private:
  const Settings settings_;
  RandomSource random_;
  std::uint32_t errors_ = 0;  ///< In a row, none further from the one before than `window`.
  Clock::time_point last_{};
  Clock::time_point next_ = Clock::time_point::min();
  Error reason_;
};

}  // namespace triune::runtime
