// Vector search: filter in SQL, candidates from the engine, ranked again with exact distances.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/try.h"
#include "hive/implementation.h"
#include "hive/vector_candidates.h"
#include "hive/vector_filter.h"
#include "model/json.h"
#include "projection/canonical_sql.h"

namespace triune::hive {
namespace {

using contract::VectorKey;
using projection::VectorProjection;

constexpr std::string_view canonical_scan = "canonical scan";
constexpr std::size_t count_limit = 10'000;
constexpr std::size_t effort_limit = 10'000;
// Of fewer vectors the engine compares all, and their predicate is soon evaluated.
constexpr std::uint64_t index_minimum = 10'000;

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

/// Whether the collection has the name in the session's snapshot.
Result<bool> is_named(contract::RelationalSession& session, std::int64_t collection_id, std::string_view name) {
  const std::array<Value, 2> parameters{collection_id, std::string(name)};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query("SELECT 1 FROM triune_collections WHERE collection_id = ?1 AND name = ?2", parameters, 1));
  return !rows.rows.empty();
}

}  // namespace

Result<std::vector<float>> Implementation::query_vector(contract::RelationalSession& session,
                                                        std::int64_t collection_id, const VectorCollection& definition,
                                                        const VectorSearch& search, Deadline deadline) {
  std::vector<float> values;
  if (const auto* const text = std::get_if<EmbeddedText>(&search.query))
    return embeddings_->query(collection_id, definition, text->text, deadline);
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

Result<std::vector<Candidate>> Implementation::find_candidates(const CandidateSearch& asked,
                                                               const VectorCollection& definition,
                                                               const VectorSearch& search, contract::VectorStore* store,
                                                               Deadline deadline, VectorSearchResult& result) {
  contract::VectorQueryOptions engine{.exact = search.exact, .effort = search.effort, .deadline = deadline};
  if (!search.where.empty()) {
    const auto began = Deadline::Clock::now();
    TRIUNE_ASSIGN(auto predicate,
                  VectorPredicate::of(asked.session, organization_id_, asked.collection_id, definition, search));
    if (store != nullptr && !search.exact && !asked.predicate_first) {
      TRIUNE_ASSIGN(auto found, find_before_predicate(asked, predicate, search, *store, engine, result));
      if (found) return std::move(*found);
    }
    TRIUNE_ASSIGN(engine.filter.keys, predicate.all());
    result.filter_time = Deadline::Clock::now() - began;
    if (store != nullptr) {
      TRIUNE_ASSIGN(const auto held, store->statistics(VectorProjection::engine_collection));
      selectivity_.note(asked.collection_id, search.where,
                        {.satisfied = engine.filter.keys->size(), .looked_at = held.vectors});
    }
  }
  if (store != nullptr) {
    TRIUNE_ASSIGN(auto candidates, asked.ask_engine(*store, engine, result.strategy));
    TRIUNE_ASSIGN(const bool lacking, asked.too_few(engine.filter.keys, candidates.size()));
    if (!lacking) return candidates;
  }
  result.strategy = canonical_scan;
  return asked.scan_canonical(engine.filter.keys);
}

Result<std::optional<std::vector<Candidate>>> Implementation::find_before_predicate(
    const CandidateSearch& asked, VectorPredicate& predicate, const VectorSearch& search, contract::VectorStore& store,
    const contract::VectorQueryOptions& engine, VectorSearchResult& result) {
  TRIUNE_ASSIGN(const auto held, store.statistics(VectorProjection::engine_collection));
  if (held.vectors < index_minimum || !predicate.takes_keys()) return std::nullopt;
  Selected found;
  TRIUNE_ASSIGN(auto candidates,
                asked.ask_before_predicate(store, engine, predicate,
                                           selectivity_.expected(asked.collection_id, search.where), found));
  if (!candidates) return candidates;
  selectivity_.note(asked.collection_id, search.where, found);
  result.strategy = fmt::format("index, then the predicate: {} of {}", found.satisfied, found.looked_at);
  return candidates;
}

bool Implementation::has_embedder(std::string_view collection) {
  const auto catalog = catalog_with(projection::CollectionKind::vector, collection);
  const auto id = catalog->collection(organization_id_, projection::CollectionKind::vector, collection);
  const auto found = id ? catalog->vector_collections.find(*id) : catalog->vector_collections.end();
  return found != catalog->vector_collections.end() && !found->second.embedder.empty();
}

Result<VectorSearchResult> Implementation::search(const VectorSearch& search, const ReadOptions& options) {
  return search_in(nullptr, search, options);
}

Result<VectorSearchResult> Implementation::search_in(contract::RelationalSession* session, const VectorSearch& search,
                                                     const ReadOptions& options, bool predicate_first) {
  TRIUNE_TRY(check_open());
  if (search.count < 1 || search.count > count_limit)
    return failure(ErrorCode::invalid_argument, fmt::format("a search returns 1 to {} vectors", count_limit));
  if (search.effort > effort_limit)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a search keeps at most {} candidates; for more, ask for an exact one", effort_limit));
  const auto asked_at = Deadline::Clock::now();
  TRIUNE_ASSIGN(const std::uint64_t lsn, required_lsn(options.consistency));
  static_cast<void>(catalog_with(projection::CollectionKind::vector, search.collection));
  TRIUNE_ASSIGN(auto driven, projections_->vector(search.collection));
  auto ready = wait_or_give_way(*driven.worker, lsn, options.deadline);
  auto store = driven.projection->store();
  for (;;) {  // it may have gone over to another engine before there was a store in hand
    TRIUNE_ASSIGN(const auto now, projections_->vector(search.collection));
    if (now.worker == driven.worker) break;
    driven = now;
    ready = wait_or_give_way(*driven.worker, lsn, options.deadline);
    store = driven.projection->store();
  }
  const auto& definition = driven.projection->definition();
  const auto collection_id = driven.projection->collection_id();
  const bool degraded = !ready || !store;
  if (!ready && ready.error().code != ErrorCode::unavailable) return std::unexpected<Error>(ready.error());

  VectorSearchResult result;
  result.watermark = driven.worker->watermark();
  result.degraded = degraded;
  // One snapshot for predicate, distances and metadata: every hit satisfies the predicate as it is returned.
  std::unique_ptr<contract::RelationalSession> own;
  if (session == nullptr) {
    const auto scope = search.where.empty() ? contract::ReadScope::internal : contract::ReadScope::user;
    TRIUNE_ASSIGN(own, store_->read(scope, options.deadline));
    session = own.get();
  }
  if (!definition.embedder.empty()) {
    TRIUNE_ASSIGN(const bool named, is_named(*session, collection_id, search.collection));
    if (!named) {  // another node gave the name to vectors that were made anew
      TRIUNE_TRY(catalog_.reload(*store_, options.deadline));
      return search_in(own ? nullptr : session, search, options, predicate_first);
    }
    TRIUNE_ASSIGN(result.pending, embeddings_->pending(*session, collection_id));
  }
  TRIUNE_ASSIGN(const auto query, query_vector(*session, collection_id, definition, search, options.deadline));
  const CandidateSearch asked{*session, organization_id_, collection_id,  definition.metric,
                              query,    search.count,     predicate_first};
  auto candidates =
      find_candidates(asked, definition, search, degraded ? nullptr : store.get(), options.deadline, result);
  if (!candidates) {
    // An error of the predicate is not the engine's.
    if (candidates.error().engine == driven.projection->engine()) report(*driven.worker, candidates.error());
    return failure_of(candidates);
  }
  const bool canonical = result.strategy == canonical_scan;
  result.engine = canonical ? canonical_engine() : driven.projection->engine();
  TRIUNE_ASSIGN(result.hits, describe_hits(*session, organization_id_, *candidates));
  const std::chrono::duration<double, std::micro> took = Deadline::Clock::now() - asked_at;
  learned_->searches(driven.projection->engine())
      .record(fmt::format("vector_search{}{} {}", search.where.empty() ? "" : " where", search.exact ? " exact" : "",
                          search.collection),
              {.side = canonical ? placement::Side::sql : placement::Side::engine,
               .microseconds = took.count(),
               .degraded = degraded});
  learned_->keep(false);
  return result;
}

}  // namespace triune::hive
