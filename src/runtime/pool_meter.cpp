#include "runtime/pool_meter.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace triune::runtime {
void WaitReservoir::add(std::chrono::microseconds wait) {
  const auto most = std::int64_t{std::numeric_limits<std::uint32_t>::max()};
  waits_[added_++ % capacity] = static_cast<std::uint32_t>(std::clamp<std::int64_t>(wait.count(), 0, most));
}

std::uint64_t WaitReservoir::percentile(double percent) const {
  const auto count = std::min<std::uint64_t>(added_, capacity);
  if (count == 0) return 0;
  std::vector<std::uint32_t> waits(waits_.begin(), waits_.begin() + static_cast<std::ptrdiff_t>(count));
  const auto rank = static_cast<std::ptrdiff_t>(std::lround(percent / 100 * static_cast<double>(count - 1)));
  std::ranges::nth_element(waits, waits.begin() + rank);
  return waits[static_cast<std::size_t>(rank)];
}

/// Ends seconds until `now` is within one.
void UtilisationMeter::begin_second(Clock::time_point now) {
  if (const auto missed = (now - second_end_) / length; missed > static_cast<std::int64_t>(seconds)) {
    busy_.fill(active_ * length.count());
    second_end_ += missed * length;
    changed_ = second_end_ - length;
    busy_[second_] = 0;
  }
  while (now >= second_end_) {
    spend_until(second_end_);
    second_end_ += length;
    second_ = (second_ + 1) % seconds;
    busy_[second_] = 0;
  }
}

double UtilisationMeter::average(Clock::time_point now) const {
  UtilisationMeter here = *this;
  here.advance(now);
  // The ring holds the second we are in, which is not over, and those before.
  const auto in_this_second = now - (here.second_end_ - length);
  const Clock::duration measured =
      std::min<Clock::duration>(now - began_, (static_cast<int>(seconds) - 1) * length + in_this_second);
  if (measured.count() <= 0) return here.active_;
  return static_cast<double>(std::accumulate(here.busy_.begin(), here.busy_.end(), std::int64_t{0})) /
         static_cast<double>(measured.count());
}

}  // namespace triune::runtime
