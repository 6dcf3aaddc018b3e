#include "adapters/memory/graph_questions.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>
#include <set>

namespace triune::adapters::memory {
namespace {

using contract::GraphAnalysis;
using contract::NodeScore;

// The steps from `start` to every node within `depth`, with the node before it on a shortest way.
std::map<NodeKey, std::pair<std::uint32_t, NodeKey>> distances(const Neighborhood& edges, const NodeKey& start,
                                                               std::uint32_t depth) {
  std::map<NodeKey, std::pair<std::uint32_t, NodeKey>> found{{start, {0, start}}};
  std::deque<NodeKey> waiting{start};
  while (!waiting.empty()) {
    const auto node = waiting.front();
    waiting.pop_front();
    const auto distance = found.at(node).first;
    const auto ends = edges.find(node);
    if (distance == depth || ends == edges.end()) continue;
    for (const auto& end : ends->second)
      if (found.try_emplace(end, distance + 1, node).second) waiting.push_back(end);
  }
  return found;
}

// The part of the graph that an analysis looks at.
GraphData chosen(const GraphData& graph, const GraphAnalysis& analysis) {
  const auto is_chosen = [](const std::vector<std::string>& names, const std::string& name) {
    return names.empty() || std::find(names.begin(), names.end(), name) != names.end();
  };
  GraphData part;
  for (const auto& [key, record] : graph.nodes)
    if (is_chosen(analysis.labels, key.first)) part.nodes[key];
  for (const auto& [key, record] : graph.edges) {
    const auto& [type, from, to] = key;
    if (is_chosen(analysis.types, type) && part.nodes.contains(from) && part.nodes.contains(to)) part.edges[key];
  }
  return part;
}

// A walker follows edges, and jumps anywhere with probability 0.15 or from a node without edges.
std::map<NodeKey, double> page_rank(const GraphData& graph) {
  const auto edges = neighborhood(graph, {}, Direction::out);
  const auto count = static_cast<double>(graph.nodes.size());
  std::map<NodeKey, double> rank;
  for (const auto& [key, record] : graph.nodes) rank[key] = 1 / count;
  for (int iteration = 0; iteration < 100; ++iteration) {
    std::map<NodeKey, double> next;
    for (const auto& [key, record] : graph.nodes) next[key] = 0.15 / count;
    for (const auto& [key, value] : rank) {
      const auto ends = edges.find(key);
      if (ends == edges.end()) {
        for (auto& [other, sum] : next) sum += 0.85 * value / count;
      } else {
        for (const auto& end : ends->second) next[end] += 0.85 * value / static_cast<double>(ends->second.size());
      }
    }
    rank = std::move(next);
  }
  return rank;
}

std::map<NodeKey, double> components(const GraphData& graph) {
  const auto edges = neighborhood(graph, {}, Direction::both);
  std::map<NodeKey, double> groups;
  for (const auto& [key, record] : graph.nodes) {
    if (groups.contains(key)) continue;
    const auto group = static_cast<double>(groups.size());
    for (const auto& [member, way] : distances(edges, key, ~0U)) groups[member] = group;
  }
  return groups;
}

// Modularity of a division into groups, times the number of edges.
double modularity(const GraphData& graph, const std::map<NodeKey, double>& groups) {
  std::map<double, double> degrees;
  double inside = 0;
  for (const auto& [key, record] : graph.edges) {
    const auto& [type, from, to] = key;
    degrees[groups.at(from)] += 1;
    degrees[groups.at(to)] += 1;
    if (groups.at(from) == groups.at(to)) inside += 1;
  }
  double expected = 0;
  for (const auto& [group, degree] : degrees) expected += degree * degree;
  return inside - expected / (4 * static_cast<double>(graph.edges.size()));
}

// Every node a group; the two groups that gain most are joined until none gain.
std::map<NodeKey, double> communities(const GraphData& graph) {
  std::map<NodeKey, double> groups;
  for (const auto& [key, record] : graph.nodes) groups[key] = static_cast<double>(groups.size());
  while (!graph.edges.empty()) {
    auto best = groups;
    double best_value = modularity(graph, groups);
    for (const auto& [key, record] : graph.edges) {
      auto joined = groups;
      const auto from = groups.at(std::get<1>(key));
      const auto to = groups.at(std::get<2>(key));
      for (auto& [node, group] : joined)
        if (group == from) group = to;
      const double value = modularity(graph, joined);
      if (value > best_value + 1e-9) {
        best = std::move(joined);
        best_value = value;
      }
    }
    if (best == groups) break;
    groups = std::move(best);
  }
  return groups;
}

}  // namespace

Neighborhood neighborhood(const GraphData& graph, const std::string& type, Direction direction) {
  Neighborhood result;
  for (const auto& [key, record] : graph.edges) {
    const auto& [edge_type, from, to] = key;
    if (!type.empty() && edge_type != type) continue;
    if (direction != Direction::in) result[from].push_back(to);
    if (direction != Direction::out) result[to].push_back(from);
  }
  return result;
}

std::vector<Neighbor> find_neighbors(const GraphData& graph, const NeighborsQuery& query) {
  std::vector<Neighbor> result;
  const auto start = key_of(query.node);
  const auto found = distances(neighborhood(graph, query.type, query.direction), start, query.depth);
  for (const auto& [key, way] : found)
    if (key != start) result.push_back({reference_of(key), way.first});
  std::stable_sort(result.begin(), result.end(),
                   [](const Neighbor& left, const Neighbor& right) { return left.distance < right.distance; });
  if (result.size() > query.count) result.resize(query.count);
  return result;
}

Path find_shortest_path(const GraphData& graph, const PathQuery& query) {
  const auto start = key_of(query.from);
  const auto end = key_of(query.to);
  if (!graph.nodes.contains(start) || !graph.nodes.contains(end)) return {};
  const auto found = distances(neighborhood(graph, query.type, query.direction), start, query.max_length);
  if (!found.contains(end)) return {};
  Path path;
  for (auto at = end;; at = found.at(at).second) {
    path.nodes.push_back(reference_of(at));
    if (at == start) break;
  }
  std::reverse(path.nodes.begin(), path.nodes.end());
  return path;
}

Result<std::uint64_t> count_walks(const GraphData& graph, const PathCountQuery& query) {
  const auto edges = neighborhood(graph, query.type, Direction::out);
  std::map<NodeKey, std::uint64_t> ending;
  if (!query.from)
    for (const auto& [key, record] : graph.nodes) ending[key] = 1;
  else if (graph.nodes.contains(key_of(*query.from)))
    ending[key_of(*query.from)] = 1;
  bool overflowed = false;
  for (std::uint32_t step = 0; step < query.length; ++step) {
    std::map<NodeKey, std::uint64_t> next;
    for (const auto& [key, count] : ending) {
      const auto ends = edges.find(key);
      if (ends == edges.end()) continue;
      for (const auto& end : ends->second) overflowed |= __builtin_add_overflow(next[end], count, &next[end]);
    }
    ending = std::move(next);
  }
  std::uint64_t total = 0;
  for (const auto& [key, count] : ending) overflowed |= __builtin_add_overflow(total, count, &total);
  if (overflowed) return failure(ErrorCode::resource_exhausted, "there are more than 2^64 walks; count shorter ones");
  return total;
}

std::vector<NodeScore> analyze(const GraphData& graph, const GraphAnalysis& analysis) {
  const auto part = chosen(graph, analysis);
  std::map<NodeKey, double> scores;
  switch (analysis.kind) {
    case GraphAnalysis::Kind::page_rank: scores = page_rank(part); break;
    case GraphAnalysis::Kind::components: scores = components(part); break;
    case GraphAnalysis::Kind::communities: scores = communities(part); break;
  }
  std::vector<NodeScore> result;
  for (const auto& [key, score] : scores) result.push_back({reference_of(key), score});
  return result;
}

}  // namespace triune::adapters::memory
