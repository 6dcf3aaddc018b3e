#include "adapters/kuzu/communities.h"

#include <numeric>

#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

constexpr int most_levels = 20;
constexpr int most_sweeps = 20;
// A level is over when fewer than one node in so many moved.
constexpr std::uint32_t few_movers = 1000;

struct Link {
  std::uint32_t to = 0;
  float weight = 0;  // with `to` in eight bytes: there are two for each edge
};

// An undirected graph with weights; a loop counts twice in the degree of its node, as it does in the degrees of the
// groups.
struct Weighted {
  std::vector<std::uint64_t> starts;
  std::vector<Link> links;
  std::vector<double> loops;
  std::vector<double> degrees;
  double total = 0;  // of all degrees

  [[nodiscard]] std::uint32_t nodes() const { return static_cast<std::uint32_t>(loops.size()); }
};

// Makes the graph of undirected edges given by `visit`, which calls its argument with (from, to, weight) and gives the
// same edges each time.
template <class Visit>
Weighted make_graph(std::uint32_t nodes, const Visit& visit) {
  Weighted graph;
  graph.starts.assign(nodes + 1, 0);
  graph.loops.assign(nodes, 0);
  graph.degrees.assign(nodes, 0);
  visit([&](std::uint32_t from, std::uint32_t to, double weight) {
    graph.degrees[from] += weight;
    graph.degrees[to] += weight;
    if (from == to) {
      graph.loops[from] += weight;
    } else {
      ++graph.starts[from + 1];
      ++graph.starts[to + 1];
    }
  });
  std::partial_sum(graph.starts.begin(), graph.starts.end(), graph.starts.begin());
  graph.links.resize(graph.starts.back());
  auto next = graph.starts;
  visit([&](std::uint32_t from, std::uint32_t to, double weight) {
    if (from == to) return;
    graph.links[next[from]++] = {to, static_cast<float>(weight)};
    graph.links[next[to]++] = {from, static_cast<float>(weight)};
  });
  graph.total = std::accumulate(graph.degrees.begin(), graph.degrees.end(), 0.0);
  return graph;
}

// One level: moves nodes between groups. Returns whether any moved.
class Mover {
 public:
  explicit Mover(const Weighted& graph)
      : graph_(graph), groups_(graph.nodes()), group_degrees_(graph.degrees), weight_to_(graph.nodes(), 0) {
    std::iota(groups_.begin(), groups_.end(), 0U);
  }

  Result<bool> run(const std::function<Status()>& go_on) {
    bool any = false;
    for (int sweep = 0; sweep < most_sweeps; ++sweep) {
      TRIUNE_TRY(go_on());
      std::uint32_t moved = 0;
      for (std::uint32_t node = 0; node < graph_.nodes(); ++node) moved += move(node) ? 1 : 0;
      any |= moved > 0;
      if (moved <= graph_.nodes() / few_movers) break;
    }
    return any;
  }

  // The groups, numbered without gaps.
  std::vector<std::uint32_t> groups(std::uint32_t& count) const {
    std::vector<std::uint32_t> numbers(graph_.nodes(), graph_.nodes());
    std::vector<std::uint32_t> result(graph_.nodes());
    count = 0;
    for (std::uint32_t node = 0; node < graph_.nodes(); ++node) {
      auto& number = numbers[groups_[node]];
      if (number == graph_.nodes()) number = count++;
      result[node] = number;
    }
    return result;
  }

 private:
  bool move(std::uint32_t node) {
    const auto old = groups_[node];
    touched_.clear();
    for (auto i = graph_.starts[node]; i < graph_.starts[node + 1]; ++i)
      touch(groups_[graph_.links[i].to], graph_.links[i].weight);
    group_degrees_[old] -= graph_.degrees[node];
    auto best = old;
    double best_gain = gain(old, node);
    for (const auto group : touched_) {
      const double other = gain(group, node);
      if (other > best_gain + 1e-12) {
        best = group;
        best_gain = other;
      }
    }
    for (const auto group : touched_) weight_to_[group] = 0;
    group_degrees_[best] += graph_.degrees[node];
    groups_[node] = best;
    return best != old;
  }

  void touch(std::uint32_t group, double weight) {
    if (weight_to_[group] == 0) touched_.push_back(group);
    weight_to_[group] += weight;
  }

  [[nodiscard]] double gain(std::uint32_t group, std::uint32_t node) const {
    return weight_to_[group] - group_degrees_[group] * graph_.degrees[node] / graph_.total;
  }

  const Weighted& graph_;
  std::vector<std::uint32_t> groups_;
  std::vector<double> group_degrees_;
  std::vector<double> weight_to_;
  std::vector<std::uint32_t> touched_;
};

Weighted undirected(const Adjacency& graph) {
  return make_graph(graph.nodes(), [&](const auto& edge) {
    for (std::uint32_t from = 0; from < graph.nodes(); ++from)
      for (const auto to : graph.out(from)) edge(from, to, 1.0);
  });
}

// The groups as nodes.
Weighted condensed(const Weighted& graph, const std::vector<std::uint32_t>& groups, std::uint32_t count) {
  return make_graph(count, [&](const auto& edge) {
    for (std::uint32_t node = 0; node < graph.nodes(); ++node) {
      if (graph.loops[node] > 0) edge(groups[node], groups[node], graph.loops[node]);
      for (auto i = graph.starts[node]; i < graph.starts[node + 1]; ++i)
        if (node < graph.links[i].to) edge(groups[node], groups[graph.links[i].to], graph.links[i].weight);
    }
  });
}

}  // namespace

Result<std::vector<std::uint32_t>> find_communities(const Adjacency& graph, const std::function<Status()>& go_on) {
  std::vector<std::uint32_t> result(graph.nodes());
  std::iota(result.begin(), result.end(), 0U);
  auto level = undirected(graph);
  for (int i = 0; i < most_levels; ++i) {
    Mover mover(level);
    TRIUNE_ASSIGN(const bool moved, mover.run(go_on));
    if (!moved) break;
    std::uint32_t count = 0;
    const auto groups = mover.groups(count);
    for (auto& group : result) group = groups[group];
    level = condensed(level, groups, count);
  }
  return result;
}

}  // namespace triune::adapters::kuzu
