#include "adapters/kuzu/traversal.h"

#include <algorithm>
#include <unordered_map>

#include "adapters/kuzu/adjacency.h"
#include "adapters/kuzu/kuzu_error.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

struct PlaceHash {
  std::size_t operator()(const NodePlace& place) const noexcept {
    return std::hash<std::uint64_t>{}((place.table << 48U) ^ place.row);
  }
};

std::vector<std::string> types_of(const std::string& type) {
  return type.empty() ? std::vector<std::string>() : std::vector{type};
}

Direction reversed(Direction direction) {
  switch (direction) {
    case Direction::out: return Direction::in;
    case Direction::in: return Direction::out;
    case Direction::both: return Direction::both;
  }
  return direction;
}

// One value for each row of each table of nodes.
template <class T>
class PerNode {
 public:
  explicit PerNode(const GraphReader& reader) {
    for (const auto& table : reader.tables()) {
      if (values_.size() <= table.table) values_.resize(table.table + 1);
      values_[table.table].resize(table.rows);
    }
  }
  typename std::vector<T>::reference operator[](NodePlace place) { return values_[place.table][place.row]; }

 private:
  std::vector<std::vector<T>> values_;  // by the table's number, which are small
};

// One end of a search for a path: what it has seen, and from where.
class Front {
 public:
  Front(GraphReader& reader, NodePlace start, Direction direction) : reader_(reader), direction_(direction) {
    previous_.emplace(start, start);
    edge_.push_back(start);
  }

  [[nodiscard]] std::size_t width() const { return edge_.size(); }
  [[nodiscard]] bool has_seen(NodePlace place) const { return previous_.contains(place); }

  // One step further. The first node found that the other front has seen is the meeting point.
  Result<std::optional<NodePlace>> advance(const Front& other) {
    std::vector<NodePlace> next;
    std::vector<NodePlace> neighbors;
    for (const auto place : edge_) {
      TRIUNE_TRY(reader_.neighbors(place, direction_, neighbors));
      for (const auto neighbor : neighbors) {
        if (!previous_.emplace(neighbor, place).second) continue;
        if (other.has_seen(neighbor)) return std::optional(neighbor);
        next.push_back(neighbor);
      }
    }
    edge_ = std::move(next);
    return std::optional<NodePlace>();
  }

  // From `place` back to the start, both included.
  [[nodiscard]] std::vector<NodePlace> way_back(NodePlace place) const {
    std::vector<NodePlace> way{place};
    for (auto at = previous_.at(place); at != way.back(); at = previous_.at(at)) way.push_back(at);
    return way;
  }

 private:
  GraphReader& reader_;
  Direction direction_;
  std::unordered_map<NodePlace, NodePlace, PlaceHash> previous_;
  std::vector<NodePlace> edge_;
};

Result<Path> named(GraphReader& reader, const std::vector<NodePlace>& places) {
  Path path;
  for (const auto place : places) {
    TRIUNE_ASSIGN(auto node, reader.name(place));
    path.nodes.push_back(std::move(node));
  }
  return path;
}

// Sums that notice when one no longer fits.
class Summer {
 public:
  void add(std::uint64_t& sum, std::uint64_t value) { overflowed_ |= __builtin_add_overflow(sum, value, &sum); }
  void add_product(std::uint64_t& sum, std::uint64_t left, std::uint64_t right) {
    std::uint64_t product = 0;
    overflowed_ |= __builtin_mul_overflow(left, right, &product);
    add(sum, product);
  }
  [[nodiscard]] Result<std::uint64_t> checked(std::uint64_t sum) const {
    if (overflowed_)
      return kuzu_failure(ErrorCode::resource_exhausted, "there are more than 2^64 walks; count shorter ones");
    return sum;
  }

 private:
  bool overflowed_ = false;
};

template <class Visitor>
void each_edge(const Adjacency& graph, const Visitor& visitor) {
  for (std::uint32_t from = 0; from < graph.nodes(); ++from)
    for (const auto to : graph.out(from)) visitor(from, to);
}

// Walks of so many steps that end, and that start, at each node.
struct WalkCounts {
  WalkCounts(std::uint32_t nodes, std::uint64_t value) : ending(nodes, value), starting(nodes, value) {}
  std::vector<std::uint64_t> ending;
  std::vector<std::uint64_t> starting;
};

// A walk of 2k steps has its middle in a node, one of 2k + 1 in an edge, with k steps on either side.
Result<std::uint64_t> count_all(const Adjacency& graph, std::uint32_t length) {
  Summer summer;
  WalkCounts counts(graph.nodes(), 1);
  for (std::uint32_t steps = 0; steps < length / 2; ++steps) {
    WalkCounts longer(graph.nodes(), 0);
    each_edge(graph, [&](std::uint32_t from, std::uint32_t to) {
      summer.add(longer.starting[from], counts.starting[to]);
      summer.add(longer.ending[to], counts.ending[from]);
    });
    std::swap(counts, longer);
  }
  std::uint64_t total = 0;
  if (length % 2 == 1)
    each_edge(graph, [&](std::uint32_t from, std::uint32_t to) {
      summer.add_product(total, counts.ending[from], counts.starting[to]);
    });
  else
    for (std::uint32_t node = 0; node < graph.nodes(); ++node)
      summer.add_product(total, counts.ending[node], counts.starting[node]);
  return summer.checked(total);
}

Result<std::uint64_t> count_from(GraphReader& reader, NodePlace start, std::uint32_t length) {
  Summer summer;
  std::unordered_map<NodePlace, std::uint64_t, PlaceHash> at{{start, 1}};
  std::vector<NodePlace> neighbors;
  for (std::uint32_t step = 0; step < length; ++step) {
    std::unordered_map<NodePlace, std::uint64_t, PlaceHash> next;
    for (const auto& [place, walks] : at) {
      TRIUNE_TRY(reader.neighbors(place, Direction::out, neighbors));
      for (const auto neighbor : neighbors) summer.add(next[neighbor], walks);
    }
    at = std::move(next);
  }
  std::uint64_t total = 0;
  for (const auto& [place, walks] : at) summer.add(total, walks);
  return summer.checked(total);
}

}  // namespace

Result<std::vector<Neighbor>> find_neighbors(GraphReader& reader, const NeighborsQuery& query) {
  std::vector<Neighbor> found;
  TRIUNE_ASSIGN(const auto start, reader.find(query.node));
  if (!start) return found;
  TRIUNE_TRY(reader.follow(types_of(query.type)));
  PerNode<bool> seen(reader);
  seen[*start] = true;
  std::vector<NodePlace> edge{*start};
  std::vector<NodePlace> neighbors;
  for (std::uint32_t distance = 1; distance <= query.depth && !edge.empty(); ++distance) {
    std::vector<NodePlace> next;
    for (const auto place : edge) {
      TRIUNE_TRY(reader.neighbors(place, query.direction, neighbors));
      for (const auto neighbor : neighbors) {
        if (seen[neighbor]) continue;
        seen[neighbor] = true;
        if (found.size() == query.count) return found;
        TRIUNE_ASSIGN(auto node, reader.name(neighbor));
        found.push_back({std::move(node), distance});
        next.push_back(neighbor);
      }
    }
    edge = std::move(next);
  }
  return found;
}

Result<Path> find_shortest_path(GraphReader& reader, const PathQuery& query) {
  TRIUNE_ASSIGN(const auto from, reader.find(query.from));
  TRIUNE_ASSIGN(const auto to, reader.find(query.to));
  if (!from || !to) return Path();
  if (*from == *to) return Path{{query.from}};
  TRIUNE_TRY(reader.follow(types_of(query.type)));
  Front forward(reader, *from, query.direction);
  Front backward(reader, *to, reversed(query.direction));
  for (std::uint32_t length = 1; length <= query.max_length; ++length) {
    const bool forward_next = forward.width() <= backward.width();
    TRIUNE_ASSIGN(const auto meeting, forward_next ? forward.advance(backward) : backward.advance(forward));
    if (meeting) {
      auto places = forward.way_back(*meeting);
      std::reverse(places.begin(), places.end());
      const auto rest = backward.way_back(*meeting);
      places.insert(places.end(), rest.begin() + 1, rest.end());
      return named(reader, places);
    }
    if (forward.width() == 0 || backward.width() == 0) break;
  }
  return Path();
}

Result<std::uint64_t> count_walks(GraphReader& reader, const PathCountQuery& query) {
  if (!query.from) {
    TRIUNE_ASSIGN(const auto graph, Adjacency::read(reader, {}, types_of(query.type)));
    return count_all(graph, query.length);
  }
  TRIUNE_TRY(reader.follow(types_of(query.type)));
  TRIUNE_ASSIGN(const auto start, reader.find(*query.from));
  return start ? count_from(reader, *start, query.length) : 0;
}

}  // namespace triune::adapters::kuzu
