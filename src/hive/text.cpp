// Full-text search, in the canonical store and so always current.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "hive/implementation.h"
#include "hive/postgres_definitions.h"
#include "hive/stored_definition.h"
#include "hive/text_query.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

/// FTS5: the index keeps the text and ranks by bm25.
std::string sqlite_search(std::int64_t organization_id, const std::string& name) {
  return fmt::format(
      "SELECT r.key, -bm25({0}), snippet({0}, -1, '[', ']', ' … ', 16) FROM {0} "
      "JOIN triune_text_rows r ON r.text_row = {0}.rowid WHERE {0} MATCH ?1 ORDER BY rank LIMIT ?2",
      model::quote_identifier(fmt::format("triune_text_{}_{}", organization_id, name)));
}

/// PostgreSQL: an index on an expression; passages are cut only from what is returned.
Result<std::string> postgres_search(contract::RelationalSession& session, const TextIndex& index,
                                    const std::string& match) {
  TRIUNE_ASSIGN(const TableShape shape, describe_table(session, index.table));
  TRIUNE_ASSIGN(const std::string key, single_key(shape));
  return fmt::format(
      "SELECT CAST(h.key AS text), h.score, ts_headline('pg_catalog.simple', h.content, h.query, "
      "'StartSel=[, StopSel=], MaxFragments=1, MaxWords=16, MinWords=8') FROM (SELECT t.{0} AS key, {1} AS content, "
      "q.query, CAST(ts_rank_cd({2}, q.query) AS double precision) AS score FROM {3} t, "
      "(SELECT {4} AS query) q WHERE {2} @@ q.query ORDER BY 4 DESC, 1 LIMIT ?1) h ORDER BY h.score DESC",
      model::quote_identifier(key), postgres::indexed_text(index, "t."), postgres::indexed_words(index, "t."),
      model::quote_identifier(index.table), match);
}

Status search_index(contract::RelationalSession& session, const StoredDefinition& definition, const TextQuery& query,
                    std::size_t count, std::vector<TextHit>& hits) {
  const auto& index = std::get<TextIndex>(definition.what);
  std::vector<Value> parameters;
  std::string sql;
  if (session.dialect() == contract::Dialect::sqlite) {
    sql = sqlite_search(definition.organization_id, index.name);
    parameters = {query.fts5(), static_cast<std::int64_t>(count)};
  } else {
    parameters = {static_cast<std::int64_t>(count)};
    const auto match = query.tsquery(parameters);
    TRIUNE_ASSIGN(sql, postgres_search(session, index, match));
  }
  return session.visit(sql, parameters, [&](std::span<const Value> row) -> Status {
    hits.push_back({.collection = index.name,
                    .id = to_text(row[0]),
                    .score = std::get<double>(row[1]),
                    .snippet = to_text(row[2])});
    return {};
  });
}

}  // namespace

Result<std::vector<TextHit>> Implementation::text(const TextSearch& search, const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  if (search.count < 1 || search.count > 10'000)
    return failure(ErrorCode::invalid_argument, "a text search returns 1 to 10,000 hits");
  const TextQuery query(search.query);
  if (query.empty()) return failure(ErrorCode::invalid_argument, "the query has no words");
  TRIUNE_ASSIGN(const auto session, reader(options));
  TRIUNE_ASSIGN(auto indexes, stored_definitions(*session));
  std::erase_if(indexes, [&](const StoredDefinition& one) {
    return one.organization_id != organization_id_ || one.kind() != "text_index" ||
           (!search.collection.empty() && one.name() != search.collection);
  });
  if (indexes.empty())
    return failure(ErrorCode::not_found, fmt::format("there is no text index{}{}; make one with `triune index text`",
                                                     search.collection.empty() ? "" : " ", search.collection));
  std::vector<TextHit> hits;
  for (const auto& index : indexes) TRIUNE_TRY(search_index(*session, index, query, search.count, hits));
  std::stable_sort(hits.begin(), hits.end(), [](const TextHit& a, const TextHit& b) { return a.score > b.score; });
  if (hits.size() > search.count) hits.resize(search.count);
  return hits;
}

}  // namespace triune::hive
