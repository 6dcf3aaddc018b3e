#include "adapters/kuzu/analysis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "adapters/kuzu/adjacency.h"
#include "adapters/kuzu/communities.h"
#include "adapters/kuzu/kuzu_error.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

using contract::GraphAnalysis;
using contract::NodeScore;

constexpr double damping = 0.85;
constexpr int most_iterations = 100;
constexpr double precision = 1e-10;  // of the sum of all changes

using GoOn = std::function<Status()>;

// Probability of a walker who follows edges, and jumps anywhere with probability 0.15 or from a node without edges.
Result<std::vector<double>> page_rank(const Adjacency& graph, const std::vector<bool>& exists, const GoOn& go_on) {
  const auto count = static_cast<double>(std::count(exists.begin(), exists.end(), true));
  std::vector<double> rank(graph.nodes(), 1 / count);
  std::vector<double> next(graph.nodes());
  for (int iteration = 0; iteration < most_iterations; ++iteration) {
    TRIUNE_TRY(go_on());
    std::fill(next.begin(), next.end(), 0.0);
    double stuck = 0;
    for (std::uint32_t node = 0; node < graph.nodes(); ++node) {
      const auto ends = graph.out(node);
      if (ends.empty() && exists[node]) stuck += rank[node];
      for (const auto end : ends) next[end] += rank[node] / static_cast<double>(ends.size());
    }
    double change = 0;
    for (std::uint32_t node = 0; node < graph.nodes(); ++node) {
      next[node] = (1 - damping) / count + damping * (next[node] + stuck / count);
      if (exists[node]) change += std::abs(next[node] - rank[node]);
    }
    std::swap(rank, next);
    if (change < precision) break;
  }
  return rank;
}

// The smallest number among the nodes that are connected, directions ignored.
std::vector<double> components(const Adjacency& graph) {
  std::vector<std::uint32_t> parent(graph.nodes());
  std::iota(parent.begin(), parent.end(), 0U);
  const auto root = [&](std::uint32_t node) {
    while (parent[node] != node) node = parent[node] = parent[parent[node]];
    return node;
  };
  for (std::uint32_t from = 0; from < graph.nodes(); ++from) {
    for (const auto to : graph.out(from)) {
      const auto left = root(from);
      const auto right = root(to);
      parent[std::max(left, right)] = std::min(left, right);
    }
  }
  std::vector<double> groups(graph.nodes());
  for (std::uint32_t node = 0; node < graph.nodes(); ++node) groups[node] = root(node);
  return groups;
}

Result<std::vector<double>> scores(const Adjacency& graph, const std::vector<bool>& exists, GraphAnalysis::Kind kind,
                                   const GoOn& go_on) {
  switch (kind) {
    case GraphAnalysis::Kind::page_rank: return page_rank(graph, exists, go_on);
    case GraphAnalysis::Kind::components: return components(graph);
    case GraphAnalysis::Kind::communities: break;
  }
  TRIUNE_ASSIGN(const auto groups, find_communities(graph, go_on));
  return std::vector<double>(groups.begin(), groups.end());
}

}  // namespace

Result<std::vector<NodeScore>> analyze(GraphReader& reader, const GraphAnalysis& analysis, Deadline deadline) {
  TRIUNE_ASSIGN(const auto graph, Adjacency::read(reader, analysis.labels, analysis.types));
  std::vector<NodeScore> result;
  std::vector<std::uint32_t> numbers;
  std::vector<bool> exists(graph.nodes());
  for (const auto& table : reader.tables()) {
    TRIUNE_TRY(reader.scan_ids(table.label, [&](NodePlace place, std::string id) -> Status {
      if (const auto number = graph.number(place)) {
        numbers.push_back(*number);
        exists[*number] = true;
        result.push_back({{table.label, std::move(id)}, 0});
      }
      return {};
    }));
  }
  const auto go_on = [&]() -> Status {
    if (!deadline.expired()) return {};
    return kuzu_failure(ErrorCode::deadline_exceeded, "the graph was not analysed before the deadline", Retry::safe);
  };
  TRIUNE_ASSIGN(const auto values, scores(graph, exists, analysis.kind, go_on));
  for (std::size_t i = 0; i < result.size(); ++i) result[i].score = values[numbers[i]];
  return result;
}

}  // namespace triune::adapters::kuzu
