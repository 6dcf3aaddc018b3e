// Vector search: filter in SQL, candidates from the engine, ranked again with exact distances.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <queue>

#include "base/try.h"
#include "hive/implementation.h"
#include "hive/vector_filter.h"
#include "model/json.h"
#include "projection/canonical_sql.h"

namespace triune::hive {
namespace {

using contract::VectorKey;
using projection::VectorProjection;

constexpr std::size_t count_limit = 10'000;
// Asked for beyond the count: half-precision distances seldom swap more than neighbours, and each costs a read.
constexpr std::size_t spare_candidates = 10;

/// Distance in the collection's metric, on the stored values.
double distance(Metric metric, std::span<const float> a, std::span<const float> b) {
  double dot = 0;
  double a_square = 0;
  double b_square = 0;
  double squared = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    dot += x * y;
    a_square += x * x;
    b_square += y * y;
    squared += (x - y) * (x - y);
  }
  if (metric == Metric::l2) return squared;
  if (metric == Metric::dot) return 1 - dot;
  return a_square == 0 || b_square == 0 ? 1 : 1 - dot / std::sqrt(a_square * b_square);
}

struct Candidate {
  double distance = 0;
  VectorKey key = 0;
  auto operator<=>(const Candidate&) const = default;
};

std::span<const float> as_floats(const Value& blob, std::vector<float>& buffer) {
  const auto& bytes = std::get<Bytes>(blob);
  buffer.resize(bytes.size() / sizeof(float));
  std::memcpy(buffer.data(), bytes.data(), buffer.size() * sizeof(float));
  return buffer;
}

std::string json_keys(std::span<const VectorKey> keys) {
  std::string json = "[";
  for (const auto key : keys) fmt::format_to(std::back_inserter(json), "{}{}", json.size() > 1 ? "," : "", key);
  return json + "]";
}

/// Exact distances of `keys`, those still stored, nearest first.
Result<std::vector<Candidate>> rank(contract::RelationalSession& session, std::int64_t organization_id, Metric metric,
                                    std::span<const float> query, std::span<const VectorKey> keys) {
  std::vector<Candidate> ranked;
  std::vector<float> buffer;
  const auto dialect = session.dialect();
  const auto sql = fmt::format("SELECT x.vector_key, x.vector FROM {} k {} triune_vector_values x ON {}",
                               integer_set(dialect, 1), ordered_join(dialect),
                               projection::vector_value_is(dialect, std::to_string(organization_id), "k.value"));
  const std::array<Value, 1> parameters{json_keys(keys)};
  TRIUNE_TRY(session.visit(sql, parameters, [&](std::span<const Value> row) -> Status {
    const auto values = as_floats(row[1], buffer);
    if (values.size() == query.size())
      ranked.push_back({distance(metric, query, values), static_cast<VectorKey>(std::get<std::int64_t>(row[0]))});
    return {};
  }));
  std::sort(ranked.begin(), ranked.end());
  return ranked;
}

/// The nearest of all, or of `keys`, straight from the canonical store: slow and always right (I4).
Result<std::vector<Candidate>> scan_canonical(contract::RelationalSession& session, std::int64_t organization_id,
                                              std::int64_t collection_id, Metric metric, std::span<const float> query,
                                              const std::optional<std::vector<VectorKey>>& keys, std::size_t count) {
  if (keys) {
    TRIUNE_ASSIGN(auto ranked, rank(session, organization_id, metric, query, *keys));
    if (ranked.size() > count) ranked.resize(count);
    return ranked;
  }
  std::priority_queue<Candidate> nearest;
  std::vector<float> buffer;
  const std::array<Value, 2> parameters{organization_id, collection_id};
  static const contract::DialectText sql([](contract::Dialect dialect) {
    return fmt::format(
        "SELECT v.vector_key, x.vector FROM triune_vectors v {} triune_vector_values x ON {} "
        "WHERE v.organization_id = ?1 AND v.collection_id = ?2",
        ordered_join(dialect), projection::vector_value_is(dialect, "v.organization_id", "v.vector_key"));
  });
  TRIUNE_TRY(session.visit(sql.in(session.dialect()), parameters, [&](std::span<const Value> row) -> Status {
    const auto values = as_floats(row[1], buffer);
    if (values.size() != query.size()) return {};
    nearest.push({distance(metric, query, values), static_cast<VectorKey>(std::get<std::int64_t>(row[0]))});
    if (nearest.size() > count) nearest.pop();
    return {};
  }));
  std::vector<Candidate> ranked;
  for (; !nearest.empty(); nearest.pop()) ranked.push_back(nearest.top());
  std::reverse(ranked.begin(), ranked.end());
  return ranked;
}

/// Whether fewer than `count` were found although the snapshot has more: the engine is at another lsn than the
/// snapshot, and where one vector took the place of another it knows neither.
Result<bool> too_few(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t collection_id,
                     const std::optional<std::vector<VectorKey>>& keys, std::size_t found, std::size_t count) {
  if (found >= count) return false;
  if (keys) return found < keys->size();
  const std::array<Value, 3> parameters{organization_id, collection_id, static_cast<std::int64_t>(found)};
  TRIUNE_ASSIGN(const RowSet more, session.query("SELECT 1 FROM triune_vectors WHERE organization_id = ?1 AND "
                                                 "collection_id = ?2 LIMIT 1 OFFSET ?3",
                                                 parameters, 1));
  return !more.rows.empty();
}

/// Asks the engine for a few more than wanted, because its copy is quantised and may hold what was just deleted; and
/// for more again until enough are left.
Result<std::vector<Candidate>> ask_engine(contract::RelationalSession& session, std::int64_t organization_id,
                                          contract::VectorStore& store, Metric metric, std::span<const float> query,
                                          contract::VectorQueryOptions options, std::size_t count,
                                          std::string& strategy) {
  for (std::size_t wanted = count + std::max<std::size_t>(count / 2, spare_candidates);; wanted *= 2) {
    options.count = wanted;
    TRIUNE_ASSIGN(const contract::VectorAnswer answer,
                  store.search(VectorProjection::engine_collection, query, options));
    strategy = answer.strategy;
    std::vector<VectorKey> keys;
    for (const auto& match : answer.matches) keys.push_back(match.key);
    TRIUNE_ASSIGN(auto ranked, rank(session, organization_id, metric, query, keys));
    if (ranked.size() >= count || answer.matches.size() < wanted) {
      if (ranked.size() > count) ranked.resize(count);
      return ranked;
    }
  }
}

/// Ids and metadata of `candidates`, in their order.
Result<std::vector<VectorHit>> describe_hits(contract::RelationalSession& session, std::int64_t organization_id,
                                             const std::vector<Candidate>& candidates) {
  std::vector<VectorKey> keys;
  for (const auto& candidate : candidates) keys.push_back(candidate.key);
  std::vector<VectorHit> hits;
  static const contract::DialectText sql([](contract::Dialect dialect) {
    return fmt::format(
        "SELECT k.key, v.id, v.metadata FROM {} k {} triune_vectors v "
        "ON v.organization_id = ?2 AND v.vector_key = k.value ORDER BY k.key",
        integer_set(dialect, 1), ordered_join(dialect));
  });
  const std::array<Value, 2> parameters{json_keys(keys), organization_id};
  TRIUNE_TRY(session.visit(sql.in(session.dialect()), parameters, [&](std::span<const Value> row) -> Status {
    const auto& candidate = candidates[static_cast<std::size_t>(std::get<std::int64_t>(row[0]))];
    TRIUNE_ASSIGN(Record metadata, model::parse_json_object(std::get<std::string>(row[2])));
    hits.push_back({std::get<std::string>(row[1]), candidate.distance, std::move(metadata)});
    return {};
  }));
  return hits;
}

}  // namespace

Result<std::vector<float>> Implementation::query_vector(contract::RelationalSession& session,
                                                        std::int64_t collection_id, const VectorCollection& definition,
                                                        const VectorSearch& search) {
  std::vector<float> values;
  if (const auto* const id = std::get_if<std::string>(&search.query)) {
    const std::array<Value, 3> parameters{organization_id_, collection_id, *id};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session.query(fmt::format("SELECT x.vector FROM triune_vectors v JOIN triune_vector_values x ON {} "
                                  "WHERE v.organization_id = ?1 AND v.collection_id = ?2 AND v.id = ?3",
                                  projection::vector_value_is(session.dialect(), "v.organization_id", "v.vector_key")),
                      parameters, 1));
    if (rows.rows.empty())
      return failure(ErrorCode::not_found, fmt::format("there is no vector {} in {}", *id, definition.name));
    as_floats(rows.rows[0][0], values);
  } else {
    values = std::get<std::vector<float>>(search.query);
  }
  if (values.size() != definition.dimension)
    return failure(ErrorCode::invalid_argument, fmt::format("the query has {} values and {} has {} dimensions",
                                                            values.size(), definition.name, definition.dimension));
  if (!std::all_of(values.begin(), values.end(), [](float value) { return std::isfinite(value); }))
    return failure(ErrorCode::invalid_argument, "the query vector holds a NaN or an infinity");
  return values;
}

Result<VectorSearchResult> Implementation::search(const VectorSearch& search, const ReadOptions& options) {
  return search_in(nullptr, search, options);
}

Result<VectorSearchResult> Implementation::search_in(contract::RelationalSession* session, const VectorSearch& search,
                                                     const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  if (search.count < 1 || search.count > count_limit)
    return failure(ErrorCode::invalid_argument, fmt::format("a search returns 1 to {} vectors", count_limit));
  const auto asked_at = Deadline::Clock::now();
  TRIUNE_ASSIGN(const std::uint64_t lsn, required_lsn(options.consistency));
  static_cast<void>(catalog_with(projection::CollectionKind::vector, search.collection));
  TRIUNE_ASSIGN(const auto driven, projections_->vector(search.collection));
  const auto& definition = driven.projection->definition();
  const auto collection_id = driven.projection->collection_id();
  const auto ready = driven.worker->wait_for(lsn, options.deadline, Patience::until_out_of_service);
  const auto store = driven.projection->store();
  const bool degraded = !ready || !store;
  if (!ready && ready.error().code != ErrorCode::unavailable) return std::unexpected<Error>(ready.error());

  VectorSearchResult result;
  result.watermark = driven.worker->watermark();
  result.degraded = degraded;
  contract::VectorQueryOptions engine{.exact = search.exact, .deadline = options.deadline};
  // One snapshot for predicate, distances and metadata: every hit satisfies the predicate as it is returned.
  std::unique_ptr<contract::RelationalSession> own;
  if (session == nullptr) {
    const auto scope = search.where.empty() ? contract::ReadScope::internal : contract::ReadScope::user;
    TRIUNE_ASSIGN(own, store_->read(scope, options.deadline));
    session = own.get();
  }
  if (!search.where.empty()) {
    const auto began = Deadline::Clock::now();
    TRIUNE_ASSIGN(engine.filter.keys, filter_keys(*session, organization_id_, collection_id, definition, search));
    result.filter_time = Deadline::Clock::now() - began;
  }
  TRIUNE_ASSIGN(const auto query, query_vector(*session, collection_id, definition, search));
  std::vector<Candidate> candidates;
  bool canonical = degraded;
  if (!degraded) {
    auto asked =
        ask_engine(*session, organization_id_, *store, definition.metric, query, engine, search.count, result.strategy);
    if (!asked) {
      report(*driven.worker, asked.error());
      return failure_of(asked);
    }
    candidates = std::move(*asked);
    TRIUNE_ASSIGN(canonical, too_few(*session, organization_id_, collection_id, engine.filter.keys, candidates.size(),
                                     search.count));
  }
  if (canonical) {
    result.strategy = "canonical scan";
    TRIUNE_ASSIGN(candidates, scan_canonical(*session, organization_id_, collection_id, definition.metric, query,
                                             engine.filter.keys, search.count));
  }
  TRIUNE_ASSIGN(result.hits, describe_hits(*session, organization_id_, candidates));
  const std::chrono::duration<double, std::micro> took = Deadline::Clock::now() - asked_at;
  learned_->searches().record(fmt::format("vector_search{}{} {}", search.where.empty() ? "" : " where",
                                          search.exact ? " exact" : "", search.collection),
                              {.side = canonical ? placement::Side::sql : placement::Side::engine,
                               .microseconds = took.count(),
                               .degraded = degraded});
  learned_->keep(false);
  return result;
}

}  // namespace triune::hive
