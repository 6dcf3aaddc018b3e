// What a pool measures about itself, in bounded memory.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace triune::runtime {

/// The last waits, for percentiles. Not thread safe.
class WaitReservoir {
 public:
  static constexpr std::size_t capacity = 1024;

  void add(std::chrono::microseconds wait);
  /// Microseconds; `percent` of the last waits were at most so long. 0 when there was none.
  [[nodiscard]] std::uint64_t percentile(double percent) const;

 private:
  std::array<std::uint32_t, capacity> waits_{};
  std::uint64_t added_ = 0;
};

/// How busy the pool was over the last minute, in buckets of a second. Not thread safe.
class UtilisationMeter {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t seconds = 60;

  explicit UtilisationMeter(Clock::time_point now) : began_(now), changed_(now), second_end_(now + length) {}

  /// From now on so many are lent out.
  void change(std::uint32_t active, Clock::time_point now) {
    advance(now);
    active_ = active;
  }
  /// Lent out on average since a minute ago, or since the beginning.
  [[nodiscard]] double average(Clock::time_point now) const;

 private:
  static constexpr Clock::duration length = std::chrono::seconds(1);

  void advance(Clock::time_point now) {
    if (now >= second_end_) begin_second(now);
    if (now > changed_) spend_until(now);
  }
  void spend_until(Clock::time_point until) {
    busy_[second_] += active_ * (until - changed_).count();
    changed_ = until;
  }
  void begin_second(Clock::time_point now);

  Clock::time_point began_;
  Clock::time_point changed_;
  Clock::time_point second_end_;
  std::uint32_t active_ = 0;
  std::size_t second_ = 0;                    ///< Where in the ring we are.
  std::array<std::int64_t, seconds> busy_{};  ///< Clock ticks times connections lent in each second.
};

}  // namespace triune::runtime
