// How many connections a pool should have: additive increase while callers wait, multiplicative decrease while
// connections idle.
#pragma once

#include <chrono>
#include <cstdint>

namespace triune::runtime {

/// The target starts at its floor: `smallest`, but at least `unquestioned` (within `largest`). It grows by one when the
/// first in the queue has waited `patience` and all that the target allows are open, so quick work that a few
/// connections can do stays on a few. Once in a `period` it shrinks by a quarter, never below the floor or the most
/// that were lent at once within the period. Not thread safe: its owner's lock guards it.
class PoolSizer {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint32_t unquestioned = 4;
  static constexpr std::chrono::milliseconds patience{2};
  static constexpr std::chrono::seconds period{30};

  PoolSizer(std::uint32_t smallest, std::uint32_t largest, Clock::time_point now);

  [[nodiscard]] std::uint32_t target() const { return target_; }
  [[nodiscard]] bool at_floor() const { return target_ == floor_; }
  /// Someone waited too long.
  void grow();
  /// So many are lent out now.
  void active(std::uint32_t count) {
    if (count > peak_) peak_ = count;
  }
  /// Shrinks when a period has ended; `active` are lent out now.
  void tick(std::uint32_t active, Clock::time_point now);

 private:
  const std::uint32_t floor_;
  const std::uint32_t largest_;
  std::uint32_t target_;
  std::uint32_t peak_ = 0;  ///< Most lent at once in this period.
  Clock::time_point period_end_;
};

}  // namespace triune::runtime
