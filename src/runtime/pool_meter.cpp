#include "runtime/pool_meter.h"

#include <algorithm>
#include <limits>

namespace triune::runtime {
namespace {

using Seconds = std::chrono::duration<double>;

}  // namespace

void WaitReservoir::add(std::chrono::microseconds wait) {
  const auto most = std::int64_t{std::numeric_limits<std::uint32_t>::max()};
  waits_[added_++ % capacity] = static_cast<std::uint32_t>(std::clamp<std::int64_t>(wait.count(), 0, most));
}

std::uint64_t WaitReservoir::percentile(double percent) const {
  const auto count = std::min<std::uint64_t>(added_, capacity);
  if (count == 0) return 0;
  std::vector<std::uint32_t> waits(waits_.begin(), waits_.begin() + static_cast<std::ptrdiff_t>(count));
  const auto rank = static_cast<std::ptrdiff_t>(percent / 100 * static_cast<double>(count - 1) + 0.5);
  std::ranges::nth_element(waits, waits.begin() + rank);
  return waits[static_cast<std::size_t>(rank)];
}

std::int64_t UtilisationMeter::second_of(Clock::time_point at) const {
  return std::chrono::duration_cast<std::chrono::seconds>(at - began_).count();
}

void UtilisationMeter::change(std::uint32_t active, Clock::time_point now) {
  advance(now);
  active_ = active;
}

void UtilisationMeter::advance(Clock::time_point now) {
  if (now <= changed_) return;
  const auto last = second_of(now);
  // What is older than the ring is overwritten anyway.
  const auto first = std::max(second_of(changed_), last - static_cast<std::int64_t>(seconds));
  for (auto second = first; second <= last; ++second) {
    auto& bucket = busy_[static_cast<std::size_t>(second) % seconds];
    const auto from = std::max(changed_, began_ + std::chrono::seconds(second));
    const auto to = std::min(now, began_ + std::chrono::seconds(second + 1));
    if (second > second_of(changed_)) bucket = 0;
    bucket += active_ * std::max(0.0, Seconds(to - from).count());
  }
  changed_ = now;
}

double UtilisationMeter::average(Clock::time_point now) const {
  UtilisationMeter here = *this;
  here.advance(now);
  // The bucket of the second that is not over holds less than a second.
  const auto length =
      std::min(Seconds(now - began_).count(), static_cast<double>(seconds - 1) + Seconds(now - began_).count() -
                                                  static_cast<double>(here.second_of(now)));
  if (length <= 0) return here.active_;
  double busy = 0;
  for (const double bucket : here.busy_) busy += bucket;
  return busy / length;
}

}  // namespace triune::runtime
