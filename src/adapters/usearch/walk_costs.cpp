#include "adapters/usearch/walk_costs.h"

#include <algorithm>
#include <bit>

namespace triune::adapters::usearch {
namespace {

// Where fewer are admitted, too few links lead from one over one that is not to the next.
constexpr double least_share = 0.03;
// What looking over others costs, as a multiple of a walk without a filter.
constexpr double over_others = 4;
constexpr double unseen = 8;  ///< Distances for each candidate kept, until there was a walk.

std::size_t place_of(std::size_t kept, std::size_t places) {
  return std::min<std::size_t>(std::bit_width(kept), places - 1);
}

}  // namespace

void WalkCosts::note(std::size_t kept, std::size_t distances) {
  auto& place = distances_[place_of(kept, distances_.size())];
  const std::uint64_t before = place.load(std::memory_order_relaxed);
  const std::uint64_t now = before == 0 ? distances : (before * 15 + distances) / 16;
  place.store(static_cast<std::uint32_t>(std::min<std::uint64_t>(now, UINT32_MAX)), std::memory_order_relaxed);
}

double WalkCosts::expected(std::size_t kept) const {
  const std::size_t place = place_of(kept, distances_.size());
  // The nearest power that was seen, and as much more or less for each between.
  for (std::size_t away = 0; away < distances_.size(); ++away)
    for (const std::size_t seen : {place - away, place + away}) {
      const auto distances = seen < distances_.size() ? distances_[seen].load(std::memory_order_relaxed) : 0;
      if (distances == 0) continue;
      const auto factor = static_cast<double>(1ULL << away);
      return seen > place ? distances / factor : distances * factor;
    }
  return unseen * static_cast<double>(kept);
}

bool WalkCosts::exceed_scan(std::size_t nodes, std::size_t candidates, std::size_t kept) const {
  const double all = std::max(1.0, static_cast<double>(nodes));
  const double share = std::max(1.0, static_cast<double>(candidates)) / all;
  // As far as a walk that keeps all it meets, until as many were met that are admitted.
  const double met = std::min(static_cast<double>(kept) / share, all);
  return static_cast<double>(candidates) <= std::min(expected(static_cast<std::size_t>(met)), all) * of_one_;
}

bool WalkCosts::of_candidates_exceed_scan(std::size_t nodes, std::size_t candidates, std::size_t kept) const {
  const auto count = static_cast<double>(candidates);
  return count < least_share * static_cast<double>(nodes) || count <= over_others * expected(kept) * of_one_;
}

}  // namespace triune::adapters::usearch
