#include "modules/agents/recall.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "hive/search_order.h"
#include "modules/agents/memory_filter.h"

namespace triune::modules::agents {
namespace {

constexpr std::size_t most_recalled = 1'000;
constexpr double rank_constant = 60;
/// A search among this share of all memories, or so many, finds them by the indexes of their rows; among more, the
/// vectors are asked first and looked at afterwards (hive/vector_candidates.h).
constexpr std::int64_t few_of_all = 25;
constexpr std::int64_t always_few = 6'000;
constexpr std::int64_t never_few = 40'000;

double score_of(const std::optional<std::int64_t>& rank) {
  return rank ? 1 / (rank_constant + static_cast<double>(*rank)) : 0;
}

/// So many of each way that what both found is among them.
std::size_t depth_for(std::size_t count) {
  return std::min<std::size_t>(std::max<std::size_t>(3 * count, 30), 4'000);
}

}  // namespace

Status RecallSearch::check() const {
  if (query_.count == 0 || query_.count > most_recalled)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("1 to {} memories are recalled at once, not {}", most_recalled, query_.count));
  if (query_.kinds.size() > 100)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("at most 100 kinds are given, not {}", query_.kinds.size()));
  return {};
}

bool RecallSearch::is_filtered() const {
  return !query_.agent.empty() || !query_.session.empty() || !query_.kinds.empty() || query_.since_ms ||
         query_.until_ms;
}

Result<bool> RecallSearch::leaves_few() const {
  if (!is_filtered()) return false;
  TRIUNE_ASSIGN(const auto session, module_.read(options_.deadline));
  const std::array<Value, 1> organization{module_.organization_id()};
  // The number of the last text is about how many there are.
  TRIUNE_ASSIGN(const RowSet all,
                session->query(module_.dialect() == contract::Dialect::sqlite
                                   ? "SELECT max(text_row) FROM triune_memory_texts WHERE ?1 > 0"
                                   : "SELECT CAST(greatest(reltuples, 0) AS bigint) FROM pg_class WHERE oid = "
                                     "'triune_memories'::regclass AND ?1 > 0",
                               organization, 1));
  const auto about = all.rows.empty() || is_null(all.rows[0][0]) ? 0 : integer(all.rows[0][0]);
  const auto few = std::clamp(about / few_of_all, always_few, never_few);
  const MemoryFilter filter(query_, now_, 2, MemoryFilter::Expired::stays);  // so that an index is enough
  std::vector<Value> parameters{module_.organization_id(), few + 1};
  parameters.insert(parameters.end(), filter.values().begin(), filter.values().end());
  TRIUNE_ASSIGN(const RowSet left,
                session->query(fmt::format("SELECT count(*) FROM (SELECT 1 FROM triune_memories m WHERE "
                                           "m.organization_id = ?1{} LIMIT ?2) AS few",
                                           filter.sql()),
                               parameters, 1));
  return integer(left.rows.at(0).at(0)) <= few;
}

Result<Recall> RecallSearch::newest() {
  const MemoryFilter filter(query_, now_, 2);
  std::vector<Value> parameters{module_.organization_id(), limited(query_.count)};
  parameters.insert(parameters.end(), filter.values().begin(), filter.values().end());
  TRIUNE_ASSIGN(const auto session, module_.read(options_.deadline));
  TRIUNE_ASSIGN(const RowSet rows,
                session->query(fmt::format("SELECT {} FROM triune_memories m WHERE m.organization_id = ?1{} ORDER BY "
                                           "m.created_at_ms DESC, m.id DESC LIMIT ?2",
                                           memory_columns, filter.sql()),
                               parameters, most_recalled));
  Recall recall;
  for (const auto& row : rows.rows) {
    Recalled one;
    TRIUNE_ASSIGN(one.memory, memory_of(row));
    recall.memories.push_back(std::move(one));
  }
  return recall;
}

Status RecallSearch::search_words(contract::RelationalSession& session) {
  if (query_.text.empty()) return {};
  TRIUNE_ASSIGN(const auto ids, find_by_words(session, module_.organization_id(), counts_,
                                              {.query = query_,
                                               .now = now_,
                                               .depth = depth_for(query_.count),
                                               .filtered = is_filtered(),
                                               .narrow = narrow_}));
  std::int64_t rank = 0;
  for (const auto& id : ids) found_[id].text_rank = ++rank;
  return {};
}

VectorSearch RecallSearch::vector_search(bool always) const {
  VectorSearch search{
      .collection = std::string(memory_vectors), .query = EmbeddedText{query_.text}, .count = depth_for(query_.count)};
  if (!query_.vector.empty()) search.query = query_.vector;
  if (!always && !is_filtered()) return search;
  if (narrow_) {
    const MemoryFilter filter(query_, now_, 1, MemoryFilter::Expired::by_index);
    search.parameters = {module_.organization_id()};
    search.parameters.insert(search.parameters.end(), filter.values().begin(), filter.values().end());
    // PostgreSQL would rather read all vectors than look for so many ids; for an array of them it takes the index.
    search.where = fmt::format(
        fmt::runtime(module_.dialect() == contract::Dialect::sqlite ? "id IN ({})" : "id = ANY (ARRAY({}))"),
        fmt::format("SELECT m.id FROM triune_memories m WHERE m.organization_id = ?1{}", filter.sql()));
    return search;
  }
  // The keys of the metadata are taken out here: named as columns, they would be looked for in all vectors.
  const auto add = [&](std::string_view condition, Value value) {
    search.parameters.push_back(std::move(value));
    search.where +=
        (search.where.empty() ? "" : " AND ") + fmt::format(fmt::runtime(condition), search.parameters.size());
  };
  if (!query_.agent.empty()) add("metadata ->> 'agent' = ?{}", query_.agent);
  if (!query_.session.empty()) add("metadata ->> 'session' = ?{}", query_.session);
  if (query_.since_ms) add("CAST(metadata ->> 'created_at_ms' AS bigint) >= ?{}", *query_.since_ms);
  if (query_.until_ms) add("CAST(metadata ->> 'created_at_ms' AS bigint) < ?{}", *query_.until_ms);
  add("CAST(metadata ->> 'expires_at_ms' AS bigint) > ?{}", now_);
  std::string kinds;
  for (const auto& kind : query_.kinds) {
    search.parameters.emplace_back(kind);
    kinds += fmt::format("{}?{}", kinds.empty() ? "" : ", ", search.parameters.size());
  }
  if (!kinds.empty()) search.where += fmt::format(" AND metadata ->> 'kind' IN ({})", kinds);
  return search;
}

void RecallSearch::search_vectors(Recall& recall) {
  auto& hive = module_.access().hive();
  auto result = narrow_ ? hive::search_predicate_first(hive, vector_search(false), options_)
                        : hive.search(vector_search(false), options_);
  const auto lasts = [](const VectorHit& hit, std::int64_t now) {
    const auto* const expires = find(hit.metadata, "expires_at_ms");
    return expires == nullptr || integer(*expires) > now;
  };
  // Without a predicate the index is asked alone; that is enough unless what has expired took places.
  if (result && result->hits.size() == depth_for(query_.count) && !is_filtered() &&
      !std::all_of(result->hits.begin(), result->hits.end(), [&](const auto& hit) { return lasts(hit, now_); }))
    result = hive.search(vector_search(true), options_);
  if (!result) {
    recall.degraded = fmt::format("not searched by vector: {}", result.error().message);
    return;
  }
  recall.strategy = result->strategy;
  recall.pending = result->pending;
  std::int64_t rank = 0;
  for (const auto& hit : result->hits) {
    if (!lasts(hit, now_)) continue;
    auto& one = found_[hit.id];
    one.vector_rank = ++rank;
    one.distance = hit.distance;
  }
}

Status RecallSearch::gather(contract::RelationalSession& session, Recall& recall) {
  std::vector<std::pair<double, std::string>> best;
  for (const auto& [id, found] : found_) best.emplace_back(score_of(found.text_rank) + score_of(found.vector_rank), id);
  std::sort(best.begin(), best.end(),
            [](const auto& a, const auto& b) { return a.first != b.first ? a.first > b.first : a.second > b.second; });
  // Of two lengths only, so that the statements stay compiled; the last id fills up.
  const std::size_t at_once = query_.count <= 12 ? 24 : 200;
  for (std::size_t begin = 0; begin < best.size() && recall.memories.size() < query_.count; begin += at_once) {
    const auto end = std::min(begin + at_once, best.size());
    std::vector<Value> parameters{module_.organization_id()};
    std::string ids;
    for (auto i = begin; i < begin + at_once; ++i) {
      parameters.emplace_back(best[std::min(i, end - 1)].second);
      ids += fmt::format("{}?{}", i == begin ? "" : ", ", parameters.size());
    }
    const MemoryFilter filter(query_, now_, parameters.size());
    parameters.insert(parameters.end(), filter.values().begin(), filter.values().end());
    TRIUNE_ASSIGN(const RowSet rows,
                  session.query(fmt::format("SELECT {} FROM triune_memories m WHERE m.organization_id = ?1 AND m.id IN "
                                            "({}){}",
                                            memory_columns, ids, filter.sql()),
                                parameters, at_once));
    std::map<std::string, const std::vector<Value>*> by_id;
    for (const auto& row : rows.rows) by_id[text(row[0])] = &row;
    for (auto i = begin; i < end && recall.memories.size() < query_.count; ++i) {
      const auto row = by_id.find(best[i].second);
      if (row == by_id.end()) continue;
      const auto& found = found_[best[i].second];
      Recalled one{.memory = {},
                   .score = best[i].first,
                   .text_rank = found.text_rank,
                   .vector_rank = found.vector_rank,
                   .distance = found.distance};
      TRIUNE_ASSIGN(one.memory, memory_of(*row->second));
      recall.memories.push_back(std::move(one));
    }
  }
  return {};
}

Result<Recall> RecallSearch::run() {
  TRIUNE_TRY(check());
  if (query_.text.empty() && query_.vector.empty()) return newest();
  TRIUNE_ASSIGN(narrow_, leaves_few());
  Recall recall;
  search_vectors(recall);
  TRIUNE_ASSIGN(const auto session, module_.read(options_.deadline));
  TRIUNE_TRY(search_words(*session));
  TRIUNE_TRY(gather(*session, recall));
  return recall;
}

}  // namespace triune::modules::agents
