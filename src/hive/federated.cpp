// SQL that calls other engines, and EXPLAIN.
#include <fmt/format.h>

#include <array>
#include <chrono>

#include "base/try.h"
#include "federation/bind_calls.h"
#include "federation/explain_prefix.h"
#include "federation/plan.h"
#include "federation/query.h"
#include "hive/implementation.h"
#include "hive/stored_definition.h"
#include "hive/tables.h"

namespace triune::hive {
namespace {

using Joins = federation::Query::Joins;

constexpr std::size_t intermediate_rows = 1'000'000;
constexpr std::size_t most_plan_steps = 10'000;

/// The engines as a statement reaches them.
class HiveEngines final : public federation::Engines {
 public:
  HiveEngines(Implementation& hive, ReadOptions options) : hive_(hive), options_(std::move(options)) {
    options_.max_rows = intermediate_rows;
  }

  Result<federation::Answer> cypher(std::string_view query, const Record& parameters) override {
    auto answered = hive_.typed_cypher(query, parameters, options_);
    if (!answered && answered.error().code == ErrorCode::deadline_exceeded)
      answered.error().message +=
          "; give the statement more time, or the pattern fewer paths by a condition or a LIMIT; neighbors and "
          "shortest_path answer from the rows while the graph is behind";
    TRIUNE_ASSIGN(auto answer, std::move(answered));
    if (answer.rows.truncated)
      return failure(ErrorCode::resource_exhausted,
                     fmt::format("the Cypher query returned more than {} rows; give it a LIMIT", intermediate_rows));
    return federation::Answer{.rows = std::move(answer.rows.rows),
                              .route = {.engine = "kuzu", .reason = "a Cypher query"},
                              .types = std::move(answer.types)};
  }

  Result<federation::Answer> vector_search(contract::RelationalSession& session,
                                           const federation::VectorCall& call) override {
    VectorSearch search{.collection = call.collection,
                        .query = call.query,
                        .count = call.count,
                        .where = call.where,
                        .parameters = call.parameters};
    auto answered = hive_.search_in(&session, search, options_);
    const auto* const text = std::get_if<std::string>(&call.query);
    // A text that is no vector's id is embedded, where the collection has something to do it with.
    if (!answered && answered.error().code == ErrorCode::not_found && text != nullptr &&
        hive_.has_embedder(call.collection)) {
      search.query = EmbeddedText{*text};
      answered = hive_.search_in(&session, search, options_);
    }
    TRIUNE_ASSIGN(VectorSearchResult found, std::move(answered));
    federation::Answer answer;
    answer.route = {.engine = found.engine,
                    .reason = found.pending == 0
                                  ? found.strategy
                                  : fmt::format("{}; {} texts wait for their embedding", found.strategy, found.pending),
                    .degraded = found.degraded};
    for (auto& hit : found.hits)
      answer.rows.push_back({std::move(hit.id), hit.distance, score_of(hit.distance), Json{to_json(hit.metadata)}});
    return answer;
  }

  Result<federation::Answer> text_search(contract::RelationalSession& session, const TextSearch& search) override {
    TRIUNE_ASSIGN(auto hits, hive_.text_in(session, search));
    federation::Answer answer;
    answer.route = {.engine = hive_.canonical_engine(), .reason = "the full-text index of the canonical store"};
    for (auto& hit : hits) answer.rows.push_back({std::move(hit.id), hit.score, std::move(hit.snippet)});
    return answer;
  }

  Result<std::string> text_index_of(contract::RelationalSession& session, std::string_view collection) override {
    return hive_.text_index_of(session, collection);
  }

  Result<federation::Answer> neighbors(contract::RelationalSession& session, const NeighborsQuery& query) override {
    TRIUNE_ASSIGN(auto found, hive_.neighbors_in(session, query, options_));
    federation::Answer answer{.rows = {}, .route = std::move(found.route)};
    for (auto& neighbor : found.value)
      answer.rows.push_back(
          {std::move(neighbor.node.label), std::move(neighbor.node.id), static_cast<std::int64_t>(neighbor.distance)});
    return answer;
  }

  Result<federation::Answer> shortest_path(contract::RelationalSession& session, const PathQuery& query) override {
    TRIUNE_ASSIGN(auto found, hive_.shortest_path_in(session, query, options_));
    federation::Answer answer{.rows = {}, .route = std::move(found.route)};
    std::int64_t step = 0;
    for (auto& node : found.value.nodes) answer.rows.push_back({step++, std::move(node.label), std::move(node.id)});
    return answer;
  }

  std::optional<federation::NodeFigures> node_figures(std::string_view label) override {
    return hive_.statistics().nodes(label);
  }

  std::optional<federation::EdgeFigures> edge_figures(std::string_view type) override {
    return hive_.statistics().edges(type);
  }

 private:
  /// 1 for the same vector, less for others, whatever the metric.
  static double score_of(double distance) { return distance < 0 ? 1 - distance : 1 / (1 + distance); }

  Implementation& hive_;
  ReadOptions options_;
};

double since(Deadline::Clock::time_point began) {
  return std::chrono::duration<double, std::milli>(Deadline::Clock::now() - began).count();
}

RowSet plan_rows(const PlanNode& plan, bool json) {
  RowSet rows{.columns = {"plan"}, .rows = {}};
  if (json) {
    rows.rows.push_back({Json{to_json(plan)}});
    return rows;
  }
  const auto text = to_text(plan);
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = text.find('\n', begin);
    rows.rows.push_back({text.substr(begin, end - begin)});
    begin = end + 1;
  }
  return rows;
}

}  // namespace

Result<SqlResult> Implementation::run_federated(std::string_view statement, std::span<const Value> parameters,
                                                const ReadOptions& options) {
  HiveEngines engines(*this, options);
  const bool calls = store_->capabilities().table_functions;
  TRIUNE_ASSIGN(const auto query,
                federation::Query::make(statement, parameters, engines, calls ? Joins::calling : Joins::bound));
  TRIUNE_ASSIGN(const auto session,
                store_->read(contract::ReadScope::user, options.deadline, calls ? query.get() : nullptr));
  federation::BoundStatement bound{query->sql(), {parameters.begin(), parameters.end()}};
  if (!calls) {
    TRIUNE_ASSIGN(bound, federation::bind_calls(statement, parameters, *query, *session));
  }
  SqlResult result;
  TRIUNE_ASSIGN(result.rows, session->query(bound.sql, bound.parameters, options.max_rows));
  for (const auto& [place, costs] : query->costs()) result.routes.push_back(costs.route);
  return result;
}

Result<PlanNode> Implementation::explain(std::string_view statement, std::span<const Value> parameters, bool analyze,
                                         const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  if (!store_->capabilities().table_functions) return explain_bound(statement, parameters, analyze, options);
  HiveEngines engines(*this, options);
  TRIUNE_ASSIGN(const auto query, federation::Query::make(statement, parameters, engines));
  if (analyze) query->measure();
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::user, options.deadline, query.get()));
  std::optional<federation::Measured> measured;
  if (analyze) {
    const auto began = Deadline::Clock::now();
    TRIUNE_ASSIGN(const RowSet rows, session->query(query->sql(), parameters, options.max_rows));
    measured = {.rows = rows.rows.size(), .milliseconds = since(began), .cut = rows.truncated};
  }
  TRIUNE_ASSIGN(const RowSet steps, session->query("EXPLAIN QUERY PLAN " + query->sql(), parameters, most_plan_steps));
  return federation::plan_of(steps, *query, store_->capabilities().engine, measured);
}

Result<PlanNode> Implementation::explain_bound(std::string_view statement, std::span<const Value> parameters,
                                               bool analyze, const ReadOptions& options) {
  HiveEngines engines(*this, options);
  TRIUNE_ASSIGN(const auto query, federation::Query::make(statement, parameters, engines, Joins::bound));
  TRIUNE_ASSIGN(const auto session, store_->read(contract::ReadScope::user, options.deadline));
  const auto began = Deadline::Clock::now();
  TRIUNE_ASSIGN(const auto bound, federation::bind_calls(statement, parameters, *query, *session));
  TRIUNE_ASSIGN(const RowSet lines, session->query((analyze ? "EXPLAIN (ANALYZE) " : "EXPLAIN ") + bound.sql,
                                                   bound.parameters, most_plan_steps));
  std::optional<federation::Measured> measured;
  if (analyze) measured = {.rows = 0, .milliseconds = since(began), .cut = false};
  auto plan = federation::plan_of_lines(lines, *query, store_->capabilities().engine, measured);
  if (analyze && !plan.inputs.empty()) plan.rows = plan.inputs[0].rows;
  return plan;
}

Result<std::optional<SqlResult>> Implementation::explain_as_rows(std::string_view statement,
                                                                 std::span<const Value> parameters,
                                                                 const ReadOptions& options) {
  const auto request = federation::explain_request(statement);
  const bool ours =
      request && (dialect() == SqlDialect::sqlite || federation::is_federated(request->statement, spelling()));
  if (!ours) return std::optional<SqlResult>();
  TRIUNE_ASSIGN(const PlanNode plan, explain(request->statement, parameters, request->analyze, options));
  return SqlResult{.rows = plan_rows(plan, request->json), .receipt = {}, .routes = {}};
}

Result<std::string> Implementation::text_index_of(contract::RelationalSession& session, std::string_view collection) {
  const std::array<Value, 2> parameters{organization_id_, std::string(collection)};
  TRIUNE_ASSIGN(const RowSet owners,
                session.query("SELECT v.owner_table FROM triune_vector_collections v JOIN triune_collections c "
                              "ON c.collection_id = v.collection_id WHERE c.organization_id = ?1 AND c.kind = 'vector' "
                              "AND c.name = ?2",
                              parameters, 1));
  if (owners.rows.empty())
    return failure(ErrorCode::not_found, fmt::format("there is no vector collection {}", collection));
  const auto table = to_text(owners.rows[0][0]);
  TRIUNE_ASSIGN(const auto definitions, stored_definitions(session));
  for (const auto& one : definitions)
    if (one.organization_id == organization_id_ && one.kind() == "text_index" && !table.empty() &&
        same_name(session.dialect(), one.table(), table))
      return one.name();
  return failure(ErrorCode::not_found,
                 table.empty() ? fmt::format("{} has no owner table whose texts could be searched too", collection)
                               : fmt::format("the owner table {} of {} has no text index; make one with `triune index "
                                             "text`",
                                             table, collection));
}

}  // namespace triune::hive
