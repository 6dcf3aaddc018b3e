// The walk over the lowest level of a graph: its nodes in the order of their distance, until the nearest ones that are
// kept have no nearer neighbour left (Malkov and Yashunin, Efficient and robust approximate nearest neighbor search
// using Hierarchical Navigable Small World graphs, algorithm 2).
//
// usearch's own walk looks every neighbour up in a hash set, twice where it asks for their memory ahead. Here a byte
// for each node says whether it was met, and the links of the node that comes next are asked for as well.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "adapters/usearch/key_map.h"

namespace triune::adapters::usearch {

/// Which nodes a walk has met. A byte for each, and a number for each walk, so that the bytes are cleared every 255
/// walks only.
class MetNodes {
 public:
  void begin(std::size_t nodes) {
    if (++walk_ == 0 || walks_.size() < nodes) {
      walks_.assign(std::max(nodes, walks_.size()), 0);
      walk_ = 1;
    }
  }
  /// True the first time in this walk.
  bool meet(Row node) { return std::exchange(walks_[node], walk_) != walk_; }

 private:
  std::vector<std::uint8_t> walks_;
  std::uint8_t walk_ = 0;
};

/// In the use of one thread, again and again: what it holds is its memory.
class Walk {
 public:
  struct Node {
    float score = 0;
    Row node = 0;
  };

  static constexpr float no_bound = std::numeric_limits<float>::infinity();

  /// How many are kept. Where enough was found elsewhere, nodes beyond `bound` are of no use; so many are kept all the
  /// same, or the walk would end before it came near.
  struct Kept {
    std::size_t most = 0;
    std::size_t least = most;
    float bound = no_bound;
  };

  /// The nearest nodes that are admitted, nearest first, from `entry` on. `Ground` has
  ///   size(), measure(nodes, scores), admits(node), visit_links(node, visit), and hint_vector(node), hint_links(node),
  ///   which ask for memory that is read soon, and
  ///   only_admitted, whether to measure no others: then links must lead over those that are not.
  template <class Ground>
  const std::vector<Node>& run(const Ground& ground, Node entry, const Kept& kept);

  /// Which nodes the last run met, for other uses between two.
  [[nodiscard]] MetNodes& met() { return met_; }
  /// How many scores the last run computed.
  [[nodiscard]] std::size_t scores() const { return scores_; }

 private:
  // Functions as objects are compiled into the heaps' loops.
  static constexpr auto is_nearer = [](const Node& left, const Node& right) { return left.score < right.score; };
  static constexpr auto is_farther = [](const Node& left, const Node& right) { return left.score > right.score; };

  void keep(const Node& node, const Kept& kept) {
    nearest_.push_back(node);
    std::ranges::push_heap(nearest_, is_nearer);
    while (nearest_.size() > kept.most || (nearest_.size() > kept.least && nearest_.front().score > kept.bound)) {
      std::ranges::pop_heap(nearest_, is_nearer);
      nearest_.pop_back();
    }
    if (nearest_.size() == kept.most)
      bound_ = nearest_.front().score;
    else if (nearest_.size() >= kept.least)
      bound_ = std::max(nearest_.front().score, kept.bound);
  }

  template <class Ground>
  void look_around(const Ground& ground, Row node, const Kept& kept);

  MetNodes met_;
  std::vector<Node> open_;     ///< Whose neighbours were not looked at, a heap with the nearest first.
  std::vector<Node> nearest_;  ///< A heap with the farthest first.
  std::vector<Row> neighbours_;
  std::vector<float> measured_;  ///< Their scores.
  float bound_ = 0;              ///< Farther ones are of no use.
  std::size_t scores_ = 0;
};

template <class Ground>
const std::vector<Walk::Node>& Walk::run(const Ground& ground, Node entry, const Kept& kept) {
  met_.begin(ground.size());
  open_.assign(1, entry);
  nearest_.clear();
  bound_ = std::numeric_limits<float>::infinity();
  scores_ = 0;
  met_.meet(entry.node);
  if (ground.admits(entry.node)) keep(entry, kept);
  while (!open_.empty() && open_.front().score <= bound_) {
    const Row node = open_.front().node;
    std::ranges::pop_heap(open_, is_farther);
    open_.pop_back();
    look_around(ground, node, kept);
  }
  std::ranges::sort(nearest_, is_nearer);
  return nearest_;
}

template <class Ground>
void Walk::look_around(const Ground& ground, Row node, const Kept& kept) {
  neighbours_.clear();
  ground.visit_links(node, [&](Row neighbour) { neighbours_.push_back(neighbour); });
  // Without a branch: which ones were met is as good as random.
  std::size_t count = 0;
  for (const Row neighbour : neighbours_) {
    neighbours_[count] = neighbour;
    count += static_cast<std::size_t>(met_.meet(neighbour));
  }
  neighbours_.resize(count);
  if constexpr (Ground::only_admitted)
    std::erase_if(neighbours_, [&](Row neighbour) { return !ground.admits(neighbour); });
  for (const Row neighbour : neighbours_) ground.hint_vector(neighbour);
  if (!open_.empty()) ground.hint_links(open_.front().node);
  measured_.resize(neighbours_.size());
  ground.measure(neighbours_, measured_);
  scores_ += neighbours_.size();
  for (std::size_t at = 0; at < neighbours_.size(); ++at) {
    if (measured_[at] >= bound_) continue;
    const Node met{measured_[at], neighbours_[at]};
    open_.push_back(met);
    std::ranges::push_heap(open_, is_farther);
    if (Ground::only_admitted || ground.admits(met.node)) keep(met, kept);
  }
}

}  // namespace triune::adapters::usearch
