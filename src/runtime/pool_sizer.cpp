#include "runtime/pool_sizer.h"

#include <algorithm>

namespace triune::runtime {

PoolSizer::PoolSizer(std::uint32_t smallest, std::uint32_t largest, Clock::time_point now)
    : floor_(std::min(largest, std::max(smallest, unquestioned))),
      largest_(largest),
      target_(floor_),
      period_end_(now + period) {}

void PoolSizer::grow() {
  target_ = std::min(largest_, target_ + 1);
}

void PoolSizer::tick(std::uint32_t active, Clock::time_point now) {
  if (now < period_end_) return;
  target_ = std::max({floor_, peak_, target_ - target_ / 4});
  target_ = std::min(target_, largest_);
  peak_ = active;
  period_end_ = now + period;
}

}  // namespace triune::runtime
