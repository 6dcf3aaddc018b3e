#include "placement/network.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/hash.h"

namespace triune::placement {
namespace {

using Node = std::uint32_t;

constexpr std::size_t walks = 64;
constexpr int farthest = 3;
/// Of one walk. A walk that needs more has reached so much that more would not change the figure.
constexpr std::size_t most_nodes_of_a_walk = 200'000;

/// Each node's neighbours in both directions.
class Neighbours {
 public:
  Neighbours(std::size_t nodes, const std::vector<std::pair<Node, Node>>& edges) : begin_(nodes + 1) {
    for (const auto& [from, to] : edges) {
      ++begin_[from + 1];
      ++begin_[to + 1];
    }
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    ends_.resize(begin_.back());
    auto next = begin_;
    for (const auto& [from, to] : edges) {
      ends_[next[from]++] = to;
      ends_[next[to]++] = from;
    }
  }
  [[nodiscard]] std::size_t degree(Node node) const { return begin_[node + 1] - begin_[node]; }
  [[nodiscard]] auto of(Node node) const {
    return std::pair(ends_.begin() + static_cast<std::ptrdiff_t>(begin_[node]),
                     ends_.begin() + static_cast<std::ptrdiff_t>(begin_[node + 1]));
  }

 private:
  std::vector<std::size_t> begin_;
  std::vector<Node> ends_;
};

std::size_t count_components(std::size_t nodes, const std::vector<std::pair<Node, Node>>& edges) {
  std::vector<Node> parent(nodes);
  std::iota(parent.begin(), parent.end(), Node{0});
  const auto root = [&parent](Node node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  };
  std::size_t components = nodes;
  for (const auto& [from, to] : edges) {
    const Node left = root(from);
    const Node right = root(to);
    if (left == right) continue;
    parent[std::max(left, right)] = std::min(left, right);
    --components;
  }
  return components;
}

/// How many nodes are one, two and three hops away.
struct Walk {
  std::size_t at[farthest + 1] = {};
};

/// `seen` holds for each node the number of the last walk that reached it.
Walk walk_from(Node start, const Neighbours& neighbours, std::vector<std::uint32_t>& seen, std::uint32_t number) {
  Walk walk;
  std::vector<Node> frontier{start};
  seen[start] = number;
  std::size_t reached = 0;
  for (int hop = 1; hop <= farthest && reached < most_nodes_of_a_walk; ++hop) {
    std::vector<Node> next;
    for (const Node node : frontier) {
      const auto [first, last] = neighbours.of(node);
      for (auto each = first; each != last; ++each) {
        if (seen[*each] == number) continue;
        seen[*each] = number;
        next.push_back(*each);
      }
    }
    walk.at[hop] = next.size();
    reached += next.size();
    frontier = std::move(next);
  }
  return walk;
}

std::uint64_t mixed(std::uint64_t number) {
  number += 0x9E3779B97F4A7C15ULL;
  number = (number ^ (number >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  number = (number ^ (number >> 27U)) * 0x94D049BB133111EBULL;
  return number ^ (number >> 31U);
}

void measure_walks(const Neighbours& neighbours, std::size_t nodes, std::uint64_t seed, NetworkMeasure& measure) {
  std::vector<std::uint32_t> seen(nodes, 0);
  const std::size_t count = std::min(walks, nodes);
  double two = 0;
  double three = 0;
  double distance = 0;
  for (std::size_t number = 0; number < count; ++number) {
    // All nodes of a small network, otherwise some drawn from equal parts of it.
    const std::size_t part = nodes / count;
    const std::size_t offset = part <= 1 ? 0 : mixed(seed * walks + number) % part;
    const auto walk =
        walk_from(static_cast<Node>(number * part + offset), neighbours, seen, static_cast<std::uint32_t>(number + 1));
    two += static_cast<double>(walk.at[1] + walk.at[2]);
    three += static_cast<double>(walk.at[1] + walk.at[2] + walk.at[3]);
    distance += static_cast<double>(walk.at[1] + 2 * walk.at[2] + 3 * walk.at[3]);
  }
  const auto divisor = static_cast<double>(count);
  measure.within_two_hops = two / divisor;
  measure.within_three_hops = three / divisor;
  measure.path_length = three == 0 ? 0 : distance / three;
  const double share = nodes < 2 ? 0 : measure.within_three_hops / static_cast<double>(nodes - 1);
  constexpr double much = 3;  // a thousand nodes
  measure.reach = std::clamp(std::max(share, std::log10(1 + measure.within_three_hops) / much), 0.0, 1.0);
}

void measure_degrees(const Neighbours& neighbours, std::size_t nodes, NetworkMeasure& measure) {
  std::vector<std::size_t> degrees(nodes);
  for (std::size_t node = 0; node < nodes; ++node) degrees[node] = neighbours.degree(static_cast<Node>(node));
  const auto middle = degrees.begin() + static_cast<std::ptrdiff_t>(nodes / 2);
  std::nth_element(degrees.begin(), middle, degrees.end());
  measure.median_degree = *middle;
  measure.highest_degree = *std::max_element(degrees.begin(), degrees.end());
  const double mean = 2.0 * static_cast<double>(measure.edges) / static_cast<double>(nodes);
  double squares = 0;
  for (const auto degree : degrees)
    squares += (static_cast<double>(degree) - mean) * (static_cast<double>(degree) - mean);
  measure.mean_degree = mean;
  measure.degree_variation = std::sqrt(squares / static_cast<double>(nodes)) / mean;
  measure.spread = measure.degree_variation / (1 + measure.degree_variation);
}

void conclude(NetworkMeasure& measure) {
  measure.structure = std::clamp(
      measure.cycles * (0.60 + 0.25 * measure.reach + 0.10 * measure.spread + 0.05 * measure.reciprocity), 0.0, 1.0);
  measure.complexity = measure.structure;
  if (measure.multi_hop_share) measure.complexity = 0.8 * measure.structure + 0.2 * *measure.multi_hop_share;
}

}  // namespace

bool NetworkBuilder::add(std::uint64_t from, std::uint64_t to) {
  if (edges_.size() >= most_edges_) {
    full_ = true;
    return false;
  }
  if (from != to) edges_.emplace_back(from, to);
  return true;
}

NetworkMeasure NetworkBuilder::measure(std::optional<double> multi_hop_share, std::uint64_t seed) && {
  NetworkMeasure measure{.sampled = full_};
  if (multi_hop_share) measure.multi_hop_share = std::clamp(*multi_hop_share, 0.0, 1.0);
  std::sort(edges_.begin(), edges_.end());
  edges_.erase(std::unique(edges_.begin(), edges_.end()), edges_.end());
  if (edges_.empty()) {
    conclude(measure);
    return measure;
  }
  std::vector<std::uint64_t> names;
  names.reserve(2 * edges_.size());
  for (const auto& [from, to] : edges_) names.insert(names.end(), {from, to});
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  const auto number = [&names](std::uint64_t name) {
    return static_cast<Node>(std::lower_bound(names.begin(), names.end(), name) - names.begin());
  };
  std::size_t mutual = 0;
  std::vector<std::pair<Node, Node>> edges;
  edges.reserve(edges_.size());
  for (const auto& [from, to] : edges_) {
    const bool reversed = std::binary_search(edges_.begin(), edges_.end(), std::pair(to, from));
    if (reversed) ++mutual;
    // Both directions of a pair are one tie: two of them close no circle.
    if (!reversed || from < to) edges.emplace_back(number(from), number(to));
  }
  measure.nodes = names.size();
  measure.reciprocity = static_cast<double>(mutual) / static_cast<double>(edges_.size());
  measure.edges = edges.size();
  edges_ = {};
  measure.components = count_components(names.size(), edges);
  measure.cycles = 1 - static_cast<double>(measure.nodes - measure.components) / static_cast<double>(measure.edges);
  const Neighbours neighbours(names.size(), edges);
  measure_degrees(neighbours, names.size(), measure);
  measure_walks(neighbours, names.size(), seed, measure);
  conclude(measure);
  return measure;
}

std::uint64_t node_of(std::string_view kind, const Value& key) {
  return base::hash64(to_text(key), base::hash64(kind));
}

}  // namespace triune::placement
