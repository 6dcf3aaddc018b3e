// The edges of some types between the nodes of some labels, in memory: for what must look at all of them several times.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/kuzu/graph_reader.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

/// Nodes are numbered from 0, rows of deleted ones included. Memory: 4 bytes for each edge and 8 for each node.
class Adjacency {
 public:
  /// Reads all edges once. Empty lists mean all. Error: `resource_exhausted` beyond 2^32 nodes or edges.
  static Result<Adjacency> read(GraphReader& reader, const std::vector<std::string>& labels,
                                const std::vector<std::string>& types);

  [[nodiscard]] std::uint32_t nodes() const { return static_cast<std::uint32_t>(starts_.size() - 1); }
  [[nodiscard]] std::uint64_t edges() const { return ends_.size(); }
  /// The ends of the edges out of a node.
  [[nodiscard]] std::span<const std::uint32_t> out(std::uint32_t node) const {
    return std::span(ends_).subspan(starts_[node], starts_[node + 1] - starts_[node]);
  }
  /// The number of the node at a place; empty when its label was not chosen.
  [[nodiscard]] std::optional<std::uint32_t> number(NodePlace place) const;

 private:
  static constexpr std::uint64_t not_chosen = ~std::uint64_t{0};

  std::vector<std::uint64_t> first_numbers_;  // by the table's number
  std::vector<std::uint64_t> starts_;
  std::vector<std::uint32_t> ends_;
};

}  // namespace triune::adapters::kuzu
