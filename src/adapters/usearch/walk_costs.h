// What walks through graphs have cost, and whether the next one will cost more than comparing every candidate.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace triune::adapters::usearch {

/// Thread rule: any thread.
class WalkCosts {
 public:
  /// `of_one`: Settings::walk_cost.
  explicit WalkCosts(double of_one) : of_one_(of_one) {}

  /// A walk without a filter kept `kept` candidates and computed so many distances.
  void note(std::size_t kept, std::size_t distances);
  /// Whether comparing all `candidates` of `nodes` is cheaper than a walk until enough of them were met: the fewer are
  /// admissible, the longer the walk.
  [[nodiscard]] bool exceed_scan(std::size_t nodes, std::size_t candidates, std::size_t kept) const;
  /// The same for a walk that measures candidates only.
  [[nodiscard]] bool of_candidates_exceed_scan(std::size_t nodes, std::size_t candidates, std::size_t kept) const;

 private:
  [[nodiscard]] double expected(std::size_t kept) const;

  double of_one_;
  /// By the power of two of candidates kept; 0: never seen.
  std::array<std::atomic<std::uint32_t>, 20> distances_{};
};

}  // namespace triune::adapters::usearch
