// Traversals: SQL or graph engine, by shape and by what the start node's degree promises.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/try.h"
#include "hive/implementation.h"

namespace triune::hive {
namespace {

// A visited edge costs about 0.3 µs in SQL, and a traversal in the graph engine about 20 to 40 ms whatever its size:
// they break even near 100,000 edges.
constexpr double sql_edge_limit = 100'000;
constexpr std::uint64_t sql_budget = 300'000;
constexpr std::uint64_t unlimited = ~std::uint64_t{0};

Status check(const NeighborsQuery& query) {
  if (query.depth < 1 || query.depth > 10) return failure(ErrorCode::invalid_argument, "depth must be 1 to 10");
  return {};
}

Status check(const PathQuery& query) {
  if (query.max_length < 1 || query.max_length > 30)
    return failure(ErrorCode::invalid_argument, "a path has 1 to 30 steps");
  return {};
}

/// Whether the graph engine's failure is its own, so that SQL may answer instead (I4).
bool may_fall_back(const Error& error) {
  return error.code == ErrorCode::unavailable || error.code == ErrorCode::corruption ||
         error.code == ErrorCode::internal || error.code == ErrorCode::resource_exhausted;
}

bool is_over_budget(const Error& error) {
  return error.code == ErrorCode::resource_exhausted;
}

constexpr double sql_edge_us = 0.3;
constexpr double sql_call_us = 20;
// A search from both ends visits a few thousand edges; whatever has no anchor visits all of them.
constexpr double path_us = 2'000;
constexpr double everywhere_us = 200'000;
constexpr double graph_call_us = sql_call_us + sql_edge_us * sql_edge_limit;

std::string_view word(Direction direction) {
  switch (direction) {
    case Direction::out: return "out";
    case Direction::in: return "in";
    case Direction::both: return "both";
  }
  return "";
}

/// 0, 1..3, 4..15, …: queries that cost about the same.
std::string edge_class(double edges) {
  std::uint64_t least = 1;
  while (4 * static_cast<double>(least) <= edges) least *= 4;
  return edges < 1 ? "0" : fmt::format("{}..{}", least, 4 * least - 1);
}

/// The start of a traversal and what it promises.
struct Start {
  NodeNumber node = 0;
  placement::RouteQuestion question;
};

Result<Start> look_ahead(GraphWalk& walk, std::string_view call, const NeighborsQuery& query) {
  Start start;
  TRIUNE_ASSIGN(start.node, walk.number_of(query.node));
  TRIUNE_ASSIGN(const std::uint64_t degree, walk.degree(start.node, query.type, query.direction));
  const double edges = std::pow(static_cast<double>(degree), query.depth);
  start.question = {
      .shape = fmt::format("{} {} depth {} edges {} {}", call, word(query.direction), query.depth, edge_class(edges),
                           query.type),
      .sql_us = sql_call_us + sql_edge_us * edges,
      .engine_us = graph_call_us,
      .estimate = fmt::format("degree {} and {} steps promise about {:.0f} edges; SQL is faster up to {:.0f}", degree,
                              query.depth, edges, sql_edge_limit)};
  return start;
}

std::vector<Neighbor> named(const std::vector<std::pair<NodeNumber, std::uint32_t>>& found,
                            std::vector<NodeReference> names) {
  std::vector<Neighbor> neighbors;
  neighbors.reserve(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) neighbors.push_back({std::move(names[i]), found[i].second});
  return neighbors;
}

/// Microseconds since it was made.
class Stopwatch {
 public:
  [[nodiscard]] double microseconds() const {
    return std::chrono::duration<double, std::micro>(Deadline::Clock::now() - began_).count();
  }

 private:
  Deadline::Clock::time_point began_ = Deadline::Clock::now();
};

}  // namespace

bool Implementation::graph_is_current(const ReadOptions& options) {
  const auto lsn = required_lsn(options.consistency);
  if (!lsn) return false;
  const auto statuses = projections_->statuses();
  return std::any_of(statuses.begin(), statuses.end(), [&](const ProjectionStatus& one) {
    const bool works = one.state == ProjectionState::current || one.state == ProjectionState::behind;
    return one.name == "graph" && works && one.watermark >= *lsn;
  });
}

template <class Answer, class BySql, class ByGraph>
Result<Routed<Answer>> Implementation::route(placement::RouteQuestion question, const ReadOptions& options,
                                             const BySql& by_sql, const ByGraph& by_graph) {
  using placement::Side;
  auto& router = learned_->graph();
  question.left = options.deadline.remaining();
  const auto choice = router.choose(question, [&] { return graph_is_current(options); });
  const auto record = [&](Side side, const Stopwatch& watch, bool degraded, bool gave_up) {
    router.record(question.shape, {.side = side,
                                   .microseconds = watch.microseconds(),
                                   .trial = choice.trial && side == choice.side,
                                   .degraded = degraded,
                                   .gave_up = gave_up});
    learned_->keep(false);
  };
  if (choice.side == Side::sql) {
    const auto bound = static_cast<std::uint64_t>(static_cast<double>(choice.most.count()) * 1000 / sql_edge_us);
    const Stopwatch watch;
    auto answer = by_sql(choice.trial ? std::min(bound, sql_budget) : sql_budget);
    if (!answer && !is_over_budget(answer.error())) return failure_of(answer);
    record(Side::sql, watch, false, !answer);
    if (answer) return Routed<Answer>{std::move(*answer), sql_route(choice.reason)};
  }
  auto limited = options;
  const bool bounded = choice.trial && choice.side == Side::engine;
  if (bounded) limited.deadline = Deadline::after(std::min(choice.most, options.deadline.remaining()));
  auto store = graph_store(limited, Patience::until_out_of_service);
  const Stopwatch watch;
  auto answer = store ? by_graph(**store, limited.deadline) : Result<Answer>(failure_of(store));
  if (answer) {
    record(Side::engine, watch, false, false);
    auto reason = choice.side == Side::engine ? choice.reason
                                              : fmt::format("more than {} edges would have to be visited in SQL; {}",
                                                            sql_budget, choice.reason);
    return Routed<Answer>{std::move(*answer), {.engine = "kuzu", .reason = std::move(reason)}};
  }
  const bool gave_up = bounded && answer.error().code == ErrorCode::deadline_exceeded && !options.deadline.expired();
  if (gave_up) record(Side::engine, watch, false, true);
  if (!gave_up && !may_fall_back(answer.error())) return failure_of(answer);
  if (!gave_up) report(*projections_->graph().worker, answer.error());
  const Stopwatch fallback;
  TRIUNE_ASSIGN(auto found, by_sql(unlimited));
  record(Side::sql, fallback, !gave_up, false);
  auto route = sql_route(gave_up ? choice.reason + "; it took too long"
                                 : "the graph engine cannot answer: " + answer.error().message);
  route.degraded = !gave_up;
  return Routed<Answer>{std::move(found), std::move(route)};
}

Result<Routed<std::vector<Neighbor>>> Implementation::neighbors(const NeighborsQuery& query,
                                                                const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const auto session, reader(options));
  return neighbors_in(*session, query, options);
}

Result<Routed<std::vector<Neighbor>>> Implementation::neighbors_in(contract::RelationalSession& session,
                                                                   const NeighborsQuery& query,
                                                                   const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  TRIUNE_TRY(check(query));
  const auto catalog = catalog_with(projection::CollectionKind::label, query.node.label);
  GraphWalk probe(session, *catalog, organization_id_, sql_budget);
  TRIUNE_ASSIGN(const Start start, look_ahead(probe, "neighbors", query));
  const auto by_sql = [&](std::uint64_t budget) -> Result<std::vector<Neighbor>> {
    GraphWalk walk(session, *catalog, organization_id_, budget);
    TRIUNE_ASSIGN(auto found, walk.within(start.node, query.type, query.direction, query.depth));
    if (found.size() > query.count) found.resize(query.count);
    std::vector<NodeNumber> numbers;
    for (const auto& [node, distance] : found) numbers.push_back(node);
    TRIUNE_ASSIGN(auto names, walk.names_of(numbers));
    return named(found, std::move(names));
  };
  return route<std::vector<Neighbor>>(
      start.question, options, by_sql,
      [&](contract::GraphStore& graph, Deadline deadline) { return graph.neighbors(query, deadline); });
}

Result<Routed<std::uint64_t>> Implementation::count_adjacent(GraphWalk& walk, const NeighborsQuery& query) {
  const Stopwatch watch;
  TRIUNE_ASSIGN(const std::uint64_t found,
                walk.count_adjacent(query.node, query.type, query.direction == Direction::out));
  learned_->graph().record("count_neighbors depth 1 " + query.type, {.microseconds = watch.microseconds()});
  learned_->keep(false);
  return Routed<std::uint64_t>{found, sql_route("edges of one type at one node are a range of an index")};
}

Result<Routed<std::uint64_t>> Implementation::count_neighbors(const NeighborsQuery& query, const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  TRIUNE_TRY(check(query));
  const auto catalog = catalog_with(projection::CollectionKind::label, query.node.label);
  TRIUNE_ASSIGN(const auto session, reader(options));
  GraphWalk probe(*session, *catalog, organization_id_, sql_budget);
  if (query.depth == 1 && !query.type.empty() && query.direction != Direction::both)
    return count_adjacent(probe, query);
  TRIUNE_ASSIGN(const Start start, look_ahead(probe, "count_neighbors", query));
  const auto by_sql = [&](std::uint64_t budget) {
    GraphWalk walk(*session, *catalog, organization_id_, budget);
    return walk.count_within(start.node, query.type, query.direction, query.depth);
  };
  auto all = query;
  all.count = ~std::size_t{0};
  return route<std::uint64_t>(start.question, options, by_sql,
                              [&](contract::GraphStore& graph, Deadline deadline) -> Result<std::uint64_t> {
                                TRIUNE_ASSIGN(const auto found, graph.neighbors(all, deadline));
                                return found.size();
                              });
}

Result<Routed<Path>> Implementation::shortest_path(const PathQuery& query, const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(const auto session, reader(options));
  return shortest_path_in(*session, query, options);
}

Result<Routed<Path>> Implementation::shortest_path_in(contract::RelationalSession& session, const PathQuery& query,
                                                      const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  TRIUNE_TRY(check(query));
  const auto catalog = catalog_with(projection::CollectionKind::label, query.from.label);
  GraphWalk probe(session, *catalog, organization_id_, sql_budget);
  TRIUNE_ASSIGN(const NodeNumber from, probe.number_of(query.from));
  TRIUNE_ASSIGN(const NodeNumber to, probe.number_of(query.to));
  const auto by_sql = [&](std::uint64_t budget) -> Result<Path> {
    GraphWalk walk(session, *catalog, organization_id_, budget);
    TRIUNE_ASSIGN(const auto nodes, walk.shortest_path(from, to, query.type, query.direction, query.max_length));
    TRIUNE_ASSIGN(auto names, walk.names_of(nodes));
    return Path{std::move(names)};
  };
  return route<Path>(
      {.shape = fmt::format("shortest_path {} steps {} {}", word(query.direction), query.max_length, query.type),
       .sql_us = path_us,
       .engine_us = graph_call_us,
       .estimate = fmt::format("searched from both ends within {} edges", sql_budget)},
      options, by_sql,
      [&](contract::GraphStore& graph, Deadline deadline) { return graph.shortest_path(query, deadline); });
}

Result<Routed<std::uint64_t>> Implementation::count_paths(const PathCountQuery& query, const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  if (query.length < 1 || query.length > 5) return failure(ErrorCode::invalid_argument, "length must be 1 to 5");
  const auto catalog = catalog_with(projection::CollectionKind::type, query.type);
  TRIUNE_ASSIGN(const auto session, reader(options));
  GraphWalk probe(*session, *catalog, organization_id_, sql_budget);
  NodeNumber start = 0;
  if (query.from) {
    TRIUNE_ASSIGN(start, probe.number_of(*query.from));
  }
  const auto by_sql = [&](std::uint64_t budget) {
    GraphWalk walk(*session, *catalog, organization_id_, budget);
    return walk.count_paths(query.type, query.length, query.from ? &start : nullptr);
  };
  return route<std::uint64_t>(
      {.shape = fmt::format("count_paths {} length {} {}", query.from ? "from a node" : "everywhere", query.length,
                            query.type),
       .sql_us = query.from ? path_us : everywhere_us,
       .engine_us = graph_call_us,
       .estimate = query.from ? fmt::format("anchored, within {} edges", sql_budget)
                              : "counting walks over the whole graph needs no rows in the graph engine"},
      options, by_sql,
      [&](contract::GraphStore& graph, Deadline deadline) { return graph.count_paths(query, deadline); });
}

}  // namespace triune::hive
