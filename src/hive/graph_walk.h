// Anchored traversals in the canonical store: breadth first over the covering indexes of `triune_edges`.
//
// Measured on 100k nodes and 2.4M edges: 1 to 3 hops cost 0.3 µs an edge, against 20 to 30 ms for any such query in the
// graph engine; a shortest path searched from both ends visits a few thousand edges.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <unordered_map>
#include <vector>

#include "contract/relational_store.h"
#include "projection/catalog.h"
#include "triune/query.h"

namespace triune::hive {

using NodeNumber = std::int64_t;

/// Numbers met so far. Open addressing in one piece of memory: a traversal asks it once for each edge.
class NodeSet {
 public:
  NodeSet() : slots_(first_slots, empty) {}
  /// False when it was in already.
  bool insert(NodeNumber node);

 private:
  static constexpr NodeNumber empty = std::numeric_limits<NodeNumber>::min();
  static constexpr std::size_t first_slots = 64;
  [[nodiscard]] std::size_t place_of(NodeNumber node) const noexcept;
  void grow();

  std::vector<NodeNumber> slots_;  // a power of two, at most half full
  std::size_t size_ = 0;
  bool holds_empty_ = false;  // whether the number that marks empty slots was inserted
};

/// Walks within one read session. Every walk stops with `resource_exhausted` beyond `edge_budget` edges: the graph
/// engine is the better choice then.
class GraphWalk {
 public:
  GraphWalk(contract::RelationalSession& session, const projection::CatalogSnapshot& catalog,
            std::int64_t organization_id, std::uint64_t edge_budget)
      : session_(session), catalog_(catalog), organization_id_(organization_id), edge_budget_(edge_budget) {}

  /// The node's number; `not_found`.
  Result<NodeNumber> number_of(const NodeReference& node);
  /// How many edges of the type leave the node that way.
  Result<std::uint64_t> degree(NodeNumber node, std::string_view type, Direction direction);
  /// Numbers of the distinct nodes within `depth` steps with their distance, nearest first.
  Result<std::vector<std::pair<NodeNumber, std::uint32_t>>> within(NodeNumber start, std::string_view type,
                                                                   Direction direction, std::uint32_t depth);
  /// The other ends of the node's edges of one type, counted in one statement; `not_found`.
  Result<std::uint64_t> count_adjacent(const NodeReference& node, std::string_view type, bool outwards);
  /// How many `within` would return.
  Result<std::uint64_t> count_within(NodeNumber start, std::string_view type, Direction direction, std::uint32_t depth);
  /// A shortest path, from both ends at once; empty when there is none.
  Result<std::vector<NodeNumber>> shortest_path(NodeNumber from, NodeNumber to, std::string_view type,
                                                Direction direction, std::uint32_t max_length);
  /// Walks of exactly `length` edges, from `start` or from everywhere.
  Result<std::uint64_t> count_paths(std::string_view type, std::uint32_t length, const NodeNumber* start);
  /// Label and id of each, in the order given.
  Result<std::vector<NodeReference>> names_of(const std::vector<NodeNumber>& nodes);

 private:
  using EdgeVisitor = std::function<Status(NodeNumber from, NodeNumber to)>;
  using LevelVisitor = std::function<void(std::uint32_t step, std::vector<NodeNumber>& nodes)>;
  /// The nodes that are first reached with each step; the visitor may change their order.
  Status visit_levels(NodeNumber start, std::string_view type, Direction direction, std::uint32_t depth,
                      const LevelVisitor& visitor);
  /// Each edge leaving `frontier` that way, seen from the frontier.
  Status expand(const std::vector<NodeNumber>& frontier, const std::vector<std::int64_t>& types, Direction direction,
                const EdgeVisitor& visitor);
  Status count_edge();
  Status expand_one_way(const std::string& frontier, std::int64_t type, bool outwards, const EdgeVisitor& visitor);
  [[nodiscard]] std::vector<std::int64_t> type_numbers(std::string_view type) const;

  contract::RelationalSession& session_;
  const projection::CatalogSnapshot& catalog_;
  std::int64_t organization_id_;
  std::uint64_t edge_budget_;
  std::uint64_t edges_seen_ = 0;
};

}  // namespace triune::hive
