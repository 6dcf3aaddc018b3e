// How much of a network some relationships are: network complexity, from 0 (no more than lists) to 1.
//
//   structure  = cycles × (0.60 + 0.25 × reach + 0.10 × spread + 0.05 × reciprocity)
//   complexity = structure, or 0.8 × structure + 0.2 × share of multi-hop queries where the workload is known
//
//   cycles       share of the edges that close a circle, 1 − (nodes − components) / edges, both directions alike.
//                0 for stars, trees, chains and every plain 1:n foreign key: there is one way between two nodes, which
//                a join over an index walks best
//   reach        of what a few hops lead to: the larger of the share of all nodes within three hops and
//                log10(1 + nodes within three hops) / 3, so that a thousand nodes are much in a network of any size
//   spread       v / (1 + v), v being the coefficient of variation of the degrees: hubs make joins explode
//   reciprocity  share of the edges whose reverse is there as well
//
// docs/assessment.md gives the reasons and examples. Thread rule: plain values; a builder belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "triune/value.h"

namespace triune::placement {

/// From here on a network is served by the graph engine (the seeds' rule).
inline constexpr double graph_threshold = 0.7;

/// What was measured. Edges count once, however often they are stored; edges from a node to itself do not.
struct NetworkMeasure {
  std::uint64_t nodes = 0;
  std::uint64_t edges = 0;
  std::uint64_t components = 0;  ///< Parts without an edge between them.
  bool sampled = false;          ///< Only the first edges were looked at.
  double mean_degree = 0;        ///< Edges at a node, both directions.
  std::uint64_t median_degree = 0;
  std::uint64_t highest_degree = 0;
  double degree_variation = 0;  ///< Coefficient of variation.
  double reciprocity = 0;
  double cycles = 0;
  double within_two_hops = 0;  ///< Mean number of other nodes, from a node drawn at random.
  double within_three_hops = 0;
  double path_length = 0;  ///< Mean distance of the nodes within three hops.
  double reach = 0;
  double spread = 0;
  double structure = 0;
  std::optional<double> multi_hop_share;  ///< Of the workload, 0 to 1; absent: unknown.
  double complexity = 0;
};

/// Collects edges and measures them. At most 16 bytes for each edge kept, and twice that while measuring.
class NetworkBuilder {
 public:
  static constexpr std::size_t default_most_edges = 3'000'000;

  explicit NetworkBuilder(std::size_t most_edges = default_most_edges) : most_edges_(most_edges) {}

  /// Adds an edge between two nodes named by `node_of`. False when no more are taken: the rest is then not looked at.
  bool add(std::uint64_t from, std::uint64_t to);

  /// Deterministic: the same edges in any order give the same figures. Nodes to walk from are drawn with `seed`.
  [[nodiscard]] NetworkMeasure measure(std::optional<double> multi_hop_share = {}, std::uint64_t seed = 1) &&;

 private:
  std::size_t most_edges_;
  bool full_ = false;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> edges_;
};

/// A node from its key; `kind` keeps the keys of two tables apart. An integer and a text that reads the same are the
/// same key, since SQLite compares them so where columns have an affinity.
std::uint64_t node_of(std::string_view kind, const Value& key);

}  // namespace triune::placement
