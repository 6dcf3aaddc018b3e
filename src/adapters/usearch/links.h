// The links of a graph that takes no more additions, as a segment's file holds them: half the bytes of usearch's own
// form, since a node has half as many links as there is room for there, and nothing beside them in memory.
//
//   levels │ entry │ nodes of level 1 … levels │
//   offsets │ links                              of the lowest level, where every row is
//   rows │ offsets │ links                       of each level above, where nodes are numbered in the order of rows
//
// All are 32 bits, little-endian. A node's links stand from its offset to the next node's. `entry` is a node of the
// highest level.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "adapters/usearch/graph.h"
#include "adapters/usearch/walk.h"

namespace triune::adapters::usearch {

/// Thread rule: immutable. A view of bytes that must outlive it.
class Links {
 public:
  using Sink = std::function<Status(std::span<const std::byte>)>;

  struct Link {
    Row from = 0;
    Row to = 0;
  };
  /// Writes the links of a graph, whose rows are 0 to size - 1, and on its lowest level these `more`, in the order of
  /// where they begin. Error: `resource_exhausted` when they are too many.
  static Status write(const Graph& graph, std::span<const Link> more, const Sink& sink);
  /// What `write` wrote for so many rows; none when it is anything else. `bytes` begin at a multiple of four.
  static std::optional<Links> view(std::span<const std::byte> bytes, std::size_t rows);

  [[nodiscard]] std::size_t size() const { return lowest_.offsets.size() - 1; }
  [[nodiscard]] std::span<const Row> of(Row row) const { return lowest_.of(row); }
  /// Where a row's links begin, for who asks for their memory ahead.
  [[nodiscard]] const Row* place(Row row) const { return lowest_.links.data() + lowest_.offsets[row]; }

  struct Nearest {
    Row row = 0;
    float score = 0;
    std::size_t scores = 0;  ///< How many were computed.
  };
  /// Where a walk over the lowest level begins: level by level the node that has no nearer neighbour.
  /// `measure(rows, scores)` computes the scores of rows.
  /// `met` is in the use of this thread, like the walk that follows.
  template <class Measure>
  [[nodiscard]] Nearest entry(MetNodes& met, const Measure& measure) const;

 private:
  struct Level {
    std::span<const Row> rows;  ///< By node, ascending; of the lowest level none: its nodes are the rows.
    std::span<const Row> offsets;
    std::span<const Row> links;
    [[nodiscard]] std::span<const Row> of(Row node) const {
      return links.subspan(offsets[node], offsets[node + 1] - offsets[node]);
    }
  };
  Links() = default;

  Level lowest_;
  std::vector<Level> upper_;  ///< The highest last.
  Row entry_ = 0;             ///< A node of the highest level.
};

template <class Measure>
Links::Nearest Links::entry(MetNodes& met, const Measure& measure) const {
  thread_local std::vector<Row> nodes;
  thread_local std::vector<Row> rows;
  thread_local std::vector<float> scores;
  Row node = entry_;
  Nearest best{.row = upper_.empty() ? node : upper_.back().rows[node]};
  measure(std::span(&best.row, 1), std::span(&best.score, 1));
  best.scores = 1;
  for (std::size_t height = upper_.size(); height > 0; --height) {
    const Level& level = upper_[height - 1];
    node = static_cast<Row>(std::ranges::lower_bound(level.rows, best.row) - level.rows.begin());
    met.begin(size());
    met.meet(node);
    for (bool nearer = true; nearer;) {
      nearer = false;
      nodes.clear();
      rows.clear();
      for (const Row neighbour : level.of(node)) {
        if (!met.meet(neighbour)) continue;
        nodes.push_back(neighbour);
        rows.push_back(level.rows[neighbour]);
      }
      scores.resize(rows.size());
      measure(std::span<const Row>(rows), std::span(scores));
      best.scores += rows.size();
      for (std::size_t at = 0; at < rows.size(); ++at) {
        if (scores[at] >= best.score) continue;
        best.score = scores[at];
        best.row = rows[at];
        node = nodes[at];
        nearer = true;
      }
    }
  }
  return best;
}

}  // namespace triune::adapters::usearch
