// What a walk through a graph stands on where links and vectors lie in the order of rows: in a segment, and while one
// is made.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "adapters/usearch/comparer.h"
#include "adapters/usearch/links.h"
#include "adapters/usearch/probe.h"
#include "adapters/usearch/segment_format.h"
#include "adapters/usearch/walk.h"

namespace triune::adapters::usearch {

/// Kept vectors, `stride` bytes from each to the next.
struct Ground {
  const std::byte* rows = nullptr;
  std::size_t stride = 0;
  [[nodiscard]] const std::byte* at(Row row) const { return rows + row * stride; }
};

/// As Walk wants it. Where `filtered`, only rows that are admitted are measured, and links lead from each also over
/// those that are not to the next (Patel, Kraft, Guestrin and Zaharia, ACORN, 2024): for filters that admit some rows
/// in a hundred, which walks over everything find too seldom. The arguments must outlive the object.
template <class Admits, bool filtered = false>
class LinkedGround {
 public:
  static constexpr bool only_admitted = filtered;

  LinkedGround(const Links& links, Ground ground, const Question& question, const Admits& admits)
      : links_(links), ground_(ground), question_(question), admits_(admits) {}

  /// The nearest rows that are admitted, nearest first. `walk` holds them until its next run.
  const std::vector<Walk::Node>& nearest(Walk& walk, const Walk::Kept& kept, std::size_t& scores) const {
    const auto entry = links_.entry(walk.met(), [this](auto rows, auto of_rows) { measure(rows, of_rows); });
    const auto& met = walk.run(*this, {entry.score, entry.row}, kept);
    scores = entry.scores + walk.scores();
    return met;
  }

  [[nodiscard]] std::size_t size() const { return links_.size(); }
  void measure(std::span<const Row> rows, std::span<float> scores) const {
    thread_local std::vector<const std::byte*> places;
    places.resize(rows.size());
    std::ranges::transform(rows, places.begin(), [this](Row row) { return ground_.at(row); });
    question_.score_all(places, scores);
  }
  [[nodiscard]] bool admits(Row row) const { return admits_(row); }
  template <class Visit>
  void visit_links(Row row, const Visit& visit) const {
    const auto neighbours = links_.of(row);
    for (const Row neighbour : neighbours) visit(neighbour);
    if constexpr (filtered) {
      for (const Row neighbour : neighbours) hint_links(neighbour);
      for (const Row neighbour : neighbours)
        if (!admits(neighbour))
          for (const Row next : links_.of(neighbour)) visit(next);
    }
  }
  void hint_vector(Row row) const { prefetch(ground_.at(row), std::min(ground_.stride, most_hinted)); }
  void hint_links(Row row) const { prefetch(reinterpret_cast<const std::byte*>(links_.place(row)), hinted_links); }

 private:
  // After so many bytes the processor has seen which ones come next.
  static constexpr std::size_t most_hinted = 8 * cache_line;
  static constexpr std::size_t hinted_links = 2 * cache_line;
  const Links& links_;
  Ground ground_;
  const Question& question_;
  const Admits& admits_;
};

}  // namespace triune::adapters::usearch
