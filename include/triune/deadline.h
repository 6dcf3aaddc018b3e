// When a call must be over.
#pragma once

#include <algorithm>
#include <chrono>

namespace triune {

/// A point on the steady clock. Every blocking call takes one and fails with `deadline_exceeded` when it passes.
class Deadline {
 public:
  using Clock = std::chrono::steady_clock;

  /// A deadline `duration` from now.
  static Deadline after(std::chrono::milliseconds duration) { return Deadline(Clock::now() + duration); }

  /// No deadline. For tests and tools that a person watches; services should not use it.
  static Deadline never() { return Deadline(Clock::time_point::max()); }

  /// Whether it has passed.
  [[nodiscard]] bool expired() const { return is_bounded() && Clock::now() >= at_; }

  /// Whether there is one at all.
  [[nodiscard]] bool is_bounded() const { return at_ != Clock::time_point::max(); }

  /// The point itself, for condition variables.
  [[nodiscard]] Clock::time_point at() const { return at_; }

  /// Time left, never negative; a day when unbounded, so that it can be passed to waits safely.
  [[nodiscard]] std::chrono::milliseconds remaining() const {
    if (!is_bounded()) return std::chrono::hours(24);
    return std::max(std::chrono::milliseconds(0),
                    std::chrono::duration_cast<std::chrono::milliseconds>(at_ - Clock::now()));
  }

 private:
  explicit Deadline(Clock::time_point at) : at_(at) {}
  Clock::time_point at_;
};

}  // namespace triune
