#include "hive/vector_candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <queue>

#include "base/try.h"
#include "contract/vector_rules.h"
#include "projection/canonical_sql.h"
#include "projection/vector_projection.h"

namespace triune::hive {
namespace {

using contract::VectorKey;
using projection::VectorProjection;

// Asked for beyond the count: half-precision distances seldom swap more than neighbours, and each costs a read.
constexpr std::size_t spare_candidates = 10;
// A candidate that turns out not to satisfy the predicate costs about five times what it costs to evaluate the
// predicate for one vector in a pass over all. Beyond so many, the pass is what is left.
constexpr std::size_t most_before_predicate = 2'500;
constexpr std::size_t first_before_predicate = 40;
constexpr int most_rounds = 3;
constexpr double caution = 1.3;

std::size_t with_spare(std::size_t count) {
  return count + std::max<std::size_t>(count / 2, spare_candidates);
}

}  // namespace

std::span<const float> as_floats(const Value& blob, std::vector<float>& buffer) {
  const auto& bytes = std::get<Bytes>(blob);
  buffer.resize(bytes.size() / sizeof(float));
  std::memcpy(buffer.data(), bytes.data(), buffer.size() * sizeof(float));
  return buffer;
}

Result<std::vector<Candidate>> CandidateSearch::rank(std::span<const VectorKey> keys) const {
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
      ranked.push_back(
          {contract::exact_distance(metric, query, values), static_cast<VectorKey>(std::get<std::int64_t>(row[0]))});
    return {};
  }));
  std::sort(ranked.begin(), ranked.end());
  return ranked;
}

Result<std::vector<Candidate>> CandidateSearch::scan_canonical(
    const std::optional<std::vector<VectorKey>>& keys) const {
  if (keys) {
    TRIUNE_ASSIGN(auto ranked, rank(*keys));
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
    nearest.push(
        {contract::exact_distance(metric, query, values), static_cast<VectorKey>(std::get<std::int64_t>(row[0]))});
    if (nearest.size() > count) nearest.pop();
    return {};
  }));
  std::vector<Candidate> ranked;
  for (; !nearest.empty(); nearest.pop()) ranked.push_back(nearest.top());
  std::reverse(ranked.begin(), ranked.end());
  return ranked;
}

Result<bool> CandidateSearch::too_few(const std::optional<std::vector<VectorKey>>& keys, std::size_t found) const {
  if (found >= count) return false;
  if (keys) return found < keys->size();
  const std::array<Value, 3> parameters{organization_id, collection_id, static_cast<std::int64_t>(found)};
  // Texts that are no vectors yet do not count (E1 of embeddings.h).
  static const contract::DialectText sql([](contract::Dialect dialect) {
    return fmt::format(
        "SELECT 1 FROM triune_vectors v {} triune_vector_values x ON {} "
        "WHERE v.organization_id = ?1 AND v.collection_id = ?2 LIMIT 1 OFFSET ?3",
        ordered_join(dialect), projection::vector_value_is(dialect, "v.organization_id", "v.vector_key"));
  });
  TRIUNE_ASSIGN(const RowSet more, session.query(sql.in(session.dialect()), parameters, 1));
  return !more.rows.empty();
}

Result<std::vector<Candidate>> CandidateSearch::ask_engine(contract::VectorStore& store,
                                                           contract::VectorQueryOptions options,
                                                           std::string& strategy) const {
  for (std::size_t wanted = with_spare(count);; wanted *= 2) {
    options.count = wanted;
    TRIUNE_ASSIGN(const contract::VectorAnswer answer,
                  store.search(VectorProjection::engine_collection, query, options));
    strategy = answer.strategy;
    std::vector<VectorKey> keys;
    for (const auto& match : answer.matches) keys.push_back(match.key);
    TRIUNE_ASSIGN(auto ranked, rank(keys));
    if (ranked.size() >= count || answer.matches.size() < wanted) {
      if (ranked.size() > count) ranked.resize(count);
      return ranked;
    }
  }
}

Result<std::optional<std::vector<Candidate>>> CandidateSearch::ask_before_predicate(
    contract::VectorStore& store, contract::VectorQueryOptions options, VectorPredicate& predicate,
    std::optional<double> expected, Selected& found) const {
  const std::size_t enough = with_spare(count);
  double share = expected.value_or(1);
  for (int round = 0; round < most_rounds; ++round) {
    const double wanted = std::max(static_cast<double>(enough) / share * caution, double{first_before_predicate});
    if (wanted > most_before_predicate) return std::nullopt;
    options.count = static_cast<std::size_t>(wanted);
    TRIUNE_ASSIGN(const auto answer, store.search(VectorProjection::engine_collection, query, options));
    std::vector<VectorKey> keys;
    for (const auto& match : answer.matches) keys.push_back(match.key);
    TRIUNE_ASSIGN(const auto satisfying, predicate.among(keys));
    found = {.satisfied = satisfying.size(), .looked_at = keys.size()};
    if (satisfying.size() >= enough) {
      TRIUNE_ASSIGN(auto ranked, rank(satisfying));
      if (ranked.size() > count) ranked.resize(count);
      if (ranked.size() == count) return std::optional(std::move(ranked));
    }
    if (keys.size() < options.count) return std::nullopt;
    share = std::max(found.share(), 0.5 / static_cast<double>(keys.size()));
  }
  return std::nullopt;
}

}  // namespace triune::hive
