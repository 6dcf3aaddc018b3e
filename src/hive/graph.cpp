// Traversals: SQL or graph engine, by shape and by what the start node's degree promises.
#include <fmt/format.h>

#include <cmath>

#include "base/try.h"
#include "hive/graph_walk.h"
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

/// What both engines share: the estimate that decides.
struct Estimate {
  NodeNumber start = 0;
  double edges = 0;
  std::string text;
  [[nodiscard]] bool prefers_sql() const { return edges <= sql_edge_limit; }
};

Result<Estimate> estimate(GraphWalk& walk, const NeighborsQuery& query) {
  Estimate result;
  TRIUNE_ASSIGN(result.start, walk.number_of(query.node));
  TRIUNE_ASSIGN(const std::uint64_t degree, walk.degree(result.start, query.type, query.direction));
  result.edges = std::pow(static_cast<double>(degree), query.depth);
  result.text = fmt::format("degree {} and {} steps promise about {:.0f} edges; SQL is faster up to {:.0f}", degree,
                            query.depth, result.edges, sql_edge_limit);
  return result;
}

std::vector<Neighbor> named(const std::vector<std::pair<NodeNumber, std::uint32_t>>& found,
                            std::vector<NodeReference> names) {
  std::vector<Neighbor> neighbors;
  neighbors.reserve(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) neighbors.push_back({std::move(names[i]), found[i].second});
  return neighbors;
}

}  // namespace

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
  TRIUNE_ASSIGN(const Estimate expected, estimate(probe, query));
  const auto by_sql = [&](std::uint64_t budget) -> Result<std::vector<Neighbor>> {
    GraphWalk walk(session, *catalog, organization_id_, budget);
    TRIUNE_ASSIGN(auto found, walk.within(expected.start, query.type, query.direction, query.depth));
    if (found.size() > query.count) found.resize(query.count);
    std::vector<NodeNumber> numbers;
    for (const auto& [node, distance] : found) numbers.push_back(node);
    TRIUNE_ASSIGN(auto names, walk.names_of(numbers));
    return named(found, std::move(names));
  };
  if (expected.prefers_sql()) {
    auto answer = by_sql(sql_budget);
    if (answer) return Routed<std::vector<Neighbor>>{std::move(*answer), sql_route(expected.text)};
    if (!is_over_budget(answer.error())) return failure_of(answer);
  }
  auto store = graph_store(options, Patience::until_out_of_service);
  auto answer = store ? (*store)->neighbors(query, options.deadline) : Result<std::vector<Neighbor>>(failure_of(store));
  if (answer) return Routed<std::vector<Neighbor>>{std::move(*answer), {.engine = "kuzu", .reason = expected.text}};
  if (!may_fall_back(answer.error())) return failure_of(answer);
  report(*projections_->graph().worker, answer.error());
  TRIUNE_ASSIGN(auto found, by_sql(unlimited));
  auto route = sql_route("the graph engine cannot answer: " + answer.error().message);
  route.degraded = true;
  return Routed<std::vector<Neighbor>>{std::move(found), std::move(route)};
}

Result<Routed<std::uint64_t>> Implementation::count_neighbors(const NeighborsQuery& query, const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  TRIUNE_TRY(check(query));
  const auto catalog = catalog_with(projection::CollectionKind::label, query.node.label);
  TRIUNE_ASSIGN(const auto session, reader(options));
  GraphWalk walk(*session, *catalog, organization_id_, sql_budget);
  if (query.depth == 1 && !query.type.empty() && query.direction != Direction::both) {
    TRIUNE_ASSIGN(const std::uint64_t found,
                  walk.count_adjacent(query.node, query.type, query.direction == Direction::out));
    return Routed<std::uint64_t>{found, sql_route("edges of one type at one node are a range of an index")};
  }
  TRIUNE_ASSIGN(const Estimate expected, estimate(walk, query));
  if (expected.prefers_sql()) {
    auto found = walk.count_within(expected.start, query.type, query.direction, query.depth);
    if (found) return Routed<std::uint64_t>{*found, sql_route(expected.text)};
    if (!is_over_budget(found.error())) return failure_of(found);
  }
  auto all = query;
  all.count = ~std::size_t{0};
  TRIUNE_ASSIGN(auto answer, neighbors(all, options));
  return Routed<std::uint64_t>{answer.value.size(), std::move(answer.route)};
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
  const auto by_sql = [&](std::uint64_t budget) -> Result<Path> {
    GraphWalk walk(session, *catalog, organization_id_, budget);
    TRIUNE_ASSIGN(const NodeNumber from, walk.number_of(query.from));
    TRIUNE_ASSIGN(const NodeNumber to, walk.number_of(query.to));
    TRIUNE_ASSIGN(const auto nodes, walk.shortest_path(from, to, query.type, query.direction, query.max_length));
    TRIUNE_ASSIGN(auto names, walk.names_of(nodes));
    return Path{std::move(names)};
  };
  auto searched = by_sql(sql_budget);
  if (searched)
    return Routed<Path>{std::move(*searched),
                        sql_route(fmt::format("searched from both ends within {} edges", sql_budget))};
  if (!is_over_budget(searched.error())) return failure_of(searched);
  auto store = graph_store(options, Patience::until_out_of_service);
  auto answer = store ? (*store)->shortest_path(query, options.deadline) : Result<Path>(failure_of(store));
  const auto reason = fmt::format("more than {} edges lie between the two nodes", sql_budget);
  if (answer) return Routed<Path>{std::move(*answer), {.engine = "kuzu", .reason = reason}};
  if (!may_fall_back(answer.error())) return failure_of(answer);
  report(*projections_->graph().worker, answer.error());
  TRIUNE_ASSIGN(auto path, by_sql(unlimited));
  auto route = sql_route("the graph engine cannot answer: " + answer.error().message);
  route.degraded = true;
  return Routed<Path>{std::move(path), std::move(route)};
}

Result<Routed<std::uint64_t>> Implementation::count_paths(const PathCountQuery& query, const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  if (query.length < 1 || query.length > 5) return failure(ErrorCode::invalid_argument, "length must be 1 to 5");
  const auto catalog = catalog_with(projection::CollectionKind::type, query.type);
  TRIUNE_ASSIGN(const auto session, reader(options));
  const auto by_sql = [&](std::uint64_t budget) -> Result<std::uint64_t> {
    GraphWalk walk(*session, *catalog, organization_id_, budget);
    if (!query.from) return walk.count_paths(query.type, query.length, nullptr);
    TRIUNE_ASSIGN(const NodeNumber start, walk.number_of(*query.from));
    return walk.count_paths(query.type, query.length, &start);
  };
  if (query.from) {
    auto counted = by_sql(sql_budget);
    if (counted)
      return Routed<std::uint64_t>{*counted, sql_route(fmt::format("anchored, within {} edges", sql_budget))};
    if (!is_over_budget(counted.error())) return failure_of(counted);
  }
  auto store = graph_store(options, Patience::until_out_of_service);
  auto answer = store ? (*store)->count_paths(query, options.deadline) : Result<std::uint64_t>(failure_of(store));
  if (answer)
    return Routed<std::uint64_t>{
        *answer, {.engine = "kuzu", .reason = "counting walks over the whole graph needs no rows in the graph engine"}};
  if (!may_fall_back(answer.error())) return failure_of(answer);
  report(*projections_->graph().worker, answer.error());
  TRIUNE_ASSIGN(const std::uint64_t counted, by_sql(unlimited));
  auto route = sql_route("the graph engine cannot answer: " + answer.error().message);
  route.degraded = true;
  return Routed<std::uint64_t>{counted, std::move(route)};
}

}  // namespace triune::hive
