#include "hive/graph_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <unordered_map>
#include <utility>

#include "base/try.h"

namespace triune::hive {
namespace {

using projection::CollectionKind;

NodeNumber number(const Value& value) {
  return std::get<std::int64_t>(value);
}

std::unexpected<Error> no_such(const NodeReference& node) {
  return failure(ErrorCode::not_found, fmt::format("there is no node {}/{}", node.label, node.id));
}

std::string json_numbers(const std::vector<NodeNumber>& nodes) {
  std::string json = "[";
  for (const auto node : nodes) fmt::format_to(std::back_inserter(json), "{}{}", json.size() > 1 ? "," : "", node);
  return json + "]";
}

/// The edges at a set of nodes, each with the node it was found by first.
std::string edges_sql(contract::Dialect dialect, bool outwards) {
  const std::string_view near = outwards ? "from_node" : "to_node";
  const std::string_view far = outwards ? "to_node" : "from_node";
  return fmt::format(
      "SELECT e.{0}, e.{1} FROM {2} k {3} triune_edges e "
      "ON e.organization_id = ?2 AND e.type_id = ?3 AND e.{0} = k.value",
      near, far, integer_set(dialect, 1), ordered_join(dialect));
}

Direction reversed(Direction direction) {
  if (direction == Direction::both) return direction;
  return direction == Direction::out ? Direction::in : Direction::out;
}

/// One end of a two-ended search: how each node was reached.
struct Side {
  std::unordered_map<NodeNumber, NodeNumber> parents;  // node to the one before it; the start to itself
  std::vector<NodeNumber> frontier;
  std::uint32_t depth = 0;

  explicit Side(NodeNumber start) : parents{{start, start}}, frontier{start} {}

  [[nodiscard]] std::vector<NodeNumber> chain(NodeNumber from) const {
    std::vector<NodeNumber> nodes{from};
    while (parents.at(nodes.back()) != nodes.back()) nodes.push_back(parents.at(nodes.back()));
    return nodes;
  }
};

}  // namespace

std::size_t NodeSet::place_of(NodeNumber node) const noexcept {
  const auto mask = slots_.size() - 1;
  auto place = static_cast<std::size_t>((static_cast<std::uint64_t>(node) * 0x9E3779B97F4A7C15ULL) >> 32U) & mask;
  while (slots_[place] != empty && slots_[place] != node) place = (place + 1) & mask;
  return place;
}

void NodeSet::grow() {
  std::vector<NodeNumber> old(4 * slots_.size(), empty);
  old.swap(slots_);
  for (const auto node : old)
    if (node != empty) slots_[place_of(node)] = node;
}

bool NodeSet::insert(NodeNumber node) {
  if (node == empty) return !std::exchange(holds_empty_, true);
  const auto place = place_of(node);
  if (slots_[place] == node) return false;
  slots_[place] = node;
  if (2 * ++size_ > slots_.size()) grow();
  return true;
}

std::vector<std::int64_t> GraphWalk::type_numbers(std::string_view type) const {
  if (type.empty()) return catalog_.collections_of(organization_id_, CollectionKind::type);
  const auto found = catalog_.collection(organization_id_, CollectionKind::type, type);
  return found ? std::vector<std::int64_t>{*found} : std::vector<std::int64_t>{};
}

Result<NodeNumber> GraphWalk::number_of(const NodeReference& node) {
  const auto label = catalog_.collection(organization_id_, CollectionKind::label, node.label);
  const std::array<Value, 3> parameters{organization_id_, label.value_or(0), node.id};
  TRIUNE_ASSIGN(const RowSet rows, session_.query("SELECT node_id FROM triune_nodes "
                                                  "WHERE organization_id = ?1 AND label_id = ?2 AND id = ?3",
                                                  parameters, 1));
  if (!rows.rows.empty()) return number(rows.rows[0][0]);
  return no_such(node);
}

Result<std::uint64_t> GraphWalk::degree(NodeNumber node, std::string_view type, Direction direction) {
  std::uint64_t total = 0;
  for (const auto type_id : type_numbers(type)) {
    const std::array<Value, 3> parameters{organization_id_, type_id, node};
    for (const bool outwards : {true, false}) {
      if (direction == (outwards ? Direction::in : Direction::out)) continue;
      TRIUNE_ASSIGN(const RowSet rows,
                    session_.query(fmt::format("SELECT count(*) FROM triune_edges WHERE organization_id = ?1 "
                                               "AND type_id = ?2 AND {} = ?3",
                                               outwards ? "from_node" : "to_node"),
                                   parameters, 1));
      total += static_cast<std::uint64_t>(number(rows.rows.at(0).at(0)));
    }
  }
  return total;
}

Status GraphWalk::count_edge() {
  if (++edges_seen_ <= edge_budget_) return {};
  return failure(ErrorCode::resource_exhausted, fmt::format("more than {} edges to visit", edge_budget_));
}

Status GraphWalk::expand_one_way(const std::string& frontier, std::int64_t type, bool outwards,
                                 const EdgeVisitor& visitor) {
  static const contract::DialectText along([](contract::Dialect dialect) { return edges_sql(dialect, true); });
  static const contract::DialectText against([](contract::Dialect dialect) { return edges_sql(dialect, false); });
  const auto& sql = (outwards ? along : against).in(session_.dialect());
  const std::array<Value, 3> parameters{frontier, organization_id_, type};
  return session_.visit(sql, parameters, [&](std::span<const Value> row) -> Status {
    TRIUNE_TRY(count_edge());
    return visitor(number(row[0]), number(row[1]));
  });
}

Status GraphWalk::expand(const std::vector<NodeNumber>& frontier, const std::vector<std::int64_t>& types,
                         Direction direction, const EdgeVisitor& visitor) {
  const auto json = json_numbers(frontier);
  for (const auto type : types) {
    if (direction != Direction::in) TRIUNE_TRY(expand_one_way(json, type, true, visitor));
    if (direction != Direction::out) TRIUNE_TRY(expand_one_way(json, type, false, visitor));
  }
  return {};
}

Status GraphWalk::visit_levels(NodeNumber start, std::string_view type, Direction direction, std::uint32_t depth,
                               const LevelVisitor& visitor) {
  const auto types = type_numbers(type);
  NodeSet seen;
  seen.insert(start);
  std::vector<NodeNumber> frontier{start};
  for (std::uint32_t step = 1; step <= depth && !frontier.empty(); ++step) {
    std::vector<NodeNumber> next;
    TRIUNE_TRY(expand(frontier, types, direction, [&](NodeNumber, NodeNumber to) -> Status {
      if (seen.insert(to)) next.push_back(to);
      return {};
    }));
    visitor(step, next);
    // In the order of the index, whose pages are then read once each.
    if (step < depth && !std::is_sorted(next.begin(), next.end())) std::sort(next.begin(), next.end());
    frontier = std::move(next);
  }
  return {};
}

Result<std::vector<std::pair<NodeNumber, std::uint32_t>>> GraphWalk::within(NodeNumber start, std::string_view type,
                                                                            Direction direction, std::uint32_t depth) {
  std::vector<std::pair<NodeNumber, std::uint32_t>> found;
  TRIUNE_TRY(visit_levels(start, type, direction, depth, [&](std::uint32_t step, std::vector<NodeNumber>& nodes) {
    std::sort(nodes.begin(), nodes.end());
    for (const auto node : nodes) found.emplace_back(node, step);
  }));
  return found;
}

Result<std::uint64_t> GraphWalk::count_adjacent(const NodeReference& node, std::string_view type, bool outwards) {
  // Edges of one type are distinct already, and an edge to itself leads nowhere new.
  const std::string_view sql =
      outwards ? "SELECT (SELECT count(*) FROM triune_edges e WHERE e.organization_id = ?1 AND e.type_id = ?4 "
                 "AND e.from_node = n.node_id AND e.to_node <> n.node_id) "
                 "FROM triune_nodes n WHERE n.organization_id = ?1 AND n.label_id = ?2 AND n.id = ?3"
               : "SELECT (SELECT count(*) FROM triune_edges e WHERE e.organization_id = ?1 AND e.type_id = ?4 "
                 "AND e.to_node = n.node_id AND e.from_node <> n.node_id) "
                 "FROM triune_nodes n WHERE n.organization_id = ?1 AND n.label_id = ?2 AND n.id = ?3";
  const auto label = catalog_.collection(organization_id_, CollectionKind::label, node.label);
  const auto type_id = catalog_.collection(organization_id_, CollectionKind::type, type);
  const std::array<Value, 4> parameters{organization_id_, label.value_or(0), node.id, type_id.value_or(0)};
  TRIUNE_ASSIGN(const RowSet rows, session_.query(sql, parameters, 1));
  if (rows.rows.empty()) return no_such(node);
  return static_cast<std::uint64_t>(number(rows.rows[0][0]));
}

Result<std::uint64_t> GraphWalk::count_within(NodeNumber start, std::string_view type, Direction direction,
                                              std::uint32_t depth) {
  std::uint64_t count = 0;
  TRIUNE_TRY(visit_levels(start, type, direction, depth,
                          [&](std::uint32_t, std::vector<NodeNumber>& nodes) { count += nodes.size(); }));
  return count;
}

Result<std::vector<NodeNumber>> GraphWalk::shortest_path(NodeNumber from, NodeNumber to, std::string_view type,
                                                         Direction direction, std::uint32_t max_length) {
  if (from == to) return std::vector<NodeNumber>{from};
  const auto types = type_numbers(type);
  Side forward(from);
  Side backward(to);
  while (forward.depth + backward.depth < max_length) {
    // The smaller frontier grows, so both together stay small.
    const bool grow_forward = forward.frontier.size() <= backward.frontier.size();
    Side& side = grow_forward ? forward : backward;
    const Side& other = grow_forward ? backward : forward;
    std::vector<NodeNumber> next;
    NodeNumber meeting = 0;
    TRIUNE_TRY(expand(side.frontier, types, grow_forward ? direction : reversed(direction),
                      [&](NodeNumber before, NodeNumber after) -> Status {
                        if (!side.parents.emplace(after, before).second) return {};
                        next.push_back(after);
                        if (other.parents.contains(after)) meeting = after;
                        return {};
                      }));
    ++side.depth;
    if (meeting != 0) {
      auto path = forward.chain(meeting);
      std::reverse(path.begin(), path.end());
      const auto rest = backward.chain(meeting);
      path.insert(path.end(), rest.begin() + 1, rest.end());
      return path;
    }
    if (next.empty()) break;
    side.frontier = std::move(next);
  }
  return std::vector<NodeNumber>{};
}

Result<std::uint64_t> GraphWalk::count_paths(std::string_view type, std::uint32_t length, const NodeNumber* start) {
  const auto types = type_numbers(type);
  // How many walks of the steps so far end at each node.
  std::unordered_map<NodeNumber, std::uint64_t> ending;
  if (start != nullptr) ending[*start] = 1;
  for (std::uint32_t step = 0; step < length; ++step) {
    std::unordered_map<NodeNumber, std::uint64_t> next;
    const bool everywhere = start == nullptr && step == 0;
    const EdgeVisitor visitor = [&](NodeNumber from, NodeNumber to) -> Status {
      if (everywhere)
        next[to] += 1;
      else if (const auto known = ending.find(from); known != ending.end())
        next[to] += known->second;
      return {};
    };
    for (const auto type_id : types) {
      const std::array<Value, 2> parameters{organization_id_, type_id};
      if (start == nullptr)
        TRIUNE_TRY(
            session_.visit("SELECT from_node, to_node FROM triune_edges WHERE organization_id = ?1 AND type_id = ?2",
                           parameters, [&](std::span<const Value> row) -> Status {
                             TRIUNE_TRY(count_edge());
                             return visitor(number(row[0]), number(row[1]));
                           }));
    }
    if (start != nullptr) {
      std::vector<NodeNumber> frontier;
      for (const auto& [node, count] : ending) frontier.push_back(node);
      TRIUNE_TRY(expand(frontier, types, Direction::out, visitor));
    }
    ending = std::move(next);
  }
  std::uint64_t total = 0;
  for (const auto& [node, count] : ending) total += count;
  return total;
}

Result<std::vector<NodeReference>> GraphWalk::names_of(const std::vector<NodeNumber>& nodes) {
  std::unordered_map<NodeNumber, NodeReference> names;
  static const contract::DialectText sql([](contract::Dialect dialect) {
    return fmt::format(
        "SELECT n.node_id, n.label_id, n.id FROM {} k {} triune_nodes n "
        "ON n.organization_id = ?2 AND n.node_id = k.value",
        integer_set(dialect, 1), ordered_join(dialect));
  });
  const std::array<Value, 2> parameters{json_numbers(nodes), organization_id_};
  TRIUNE_TRY(session_.visit(sql.in(session_.dialect()), parameters, [&](std::span<const Value> row) -> Status {
    names[number(row[0])] = {catalog_.name_of(number(row[1])), std::get<std::string>(row[2])};
    return {};
  }));
  std::vector<NodeReference> result;
  result.reserve(nodes.size());
  for (const auto node : nodes) result.push_back(names[node]);
  return result;
}

}  // namespace triune::hive
