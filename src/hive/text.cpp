// Full-text search, in the canonical store and so always current.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "federation/bind_calls.h"
#include "hive/implementation.h"
#include "hive/postgres_definitions.h"
#include "hive/stored_definition.h"
#include "hive/text_query.h"
#include "hive/vector_engines.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

/// FTS5: the index keeps the text and ranks by bm25.
std::string sqlite_search(std::int64_t organization_id, const std::string& name, const std::string& where) {
  return fmt::format(
      "SELECT r.key, -bm25({0}), snippet({0}, -1, '[', ']', ' … ', 16) FROM {0} "
      "JOIN triune_text_rows r ON r.text_row = {0}.rowid WHERE {0} MATCH ?1{1} ORDER BY rank LIMIT ?2",
      model::quote_identifier(fmt::format("triune_text_{}_{}", organization_id, name)),
      where.empty() ? "" : " AND r.key IN " + where);
}

/// PostgreSQL: an index on an expression; passages are cut only from what is returned.
Result<std::string> postgres_search(contract::RelationalSession& session, const TextIndex& index,
                                    const std::string& match, const std::string& where) {
  TRIUNE_ASSIGN(const TableShape shape, describe_table(session, index.table));
  TRIUNE_ASSIGN(const std::string key, single_key(shape));
  return fmt::format(
      "SELECT CAST(h.key AS text), h.score, ts_headline('pg_catalog.simple', h.content, h.query, "
      "'StartSel=[, StopSel=], MaxFragments=1, MaxWords=16, MinWords=8') FROM (SELECT t.{0} AS key, {1} AS content, "
      "q.query, CAST(ts_rank_cd({2}, q.query) AS double precision) AS score FROM {3} t, "
      "(SELECT {4} AS query) q WHERE {2} @@ q.query{5} ORDER BY 4 DESC, 1 LIMIT ?1) h ORDER BY h.score DESC",
      model::quote_identifier(key), postgres::indexed_text(index, "t."), postgres::indexed_words(index, "t."),
      model::quote_identifier(index.table), match,
      where.empty() ? "" : fmt::format(" AND t.{} IN {}", model::quote_identifier(key), where));
}

/// The keys of the rows that satisfy the user's predicate, as a set in SQL; empty for all. Its parameters come behind
/// `parameters`.
Result<std::string> condition(contract::RelationalSession& session, const TextIndex& index, const TextSearch& search,
                              std::vector<Value>& parameters) {
  if (search.where.empty()) return std::string();
  const auto where = federation::shift_parameters(search.where, parameters.size());
  parameters.insert(parameters.end(), search.parameters.begin(), search.parameters.end());
  TRIUNE_ASSIGN(const TableShape shape, describe_table(session, index.table));
  TRIUNE_ASSIGN(const std::string key, single_key(shape));
  const auto rows =
      fmt::format("SELECT {} FROM {} WHERE ", model::quote_identifier(key), model::quote_identifier(index.table));
  // The line break ends a comment in the predicate.
  return fmt::format("({}({}\n))", rows, where);
}

Status search_index(contract::RelationalSession& session, const StoredDefinition& definition, const TextQuery& query,
                    const TextSearch& search, std::vector<TextHit>& hits) {
  const auto& index = std::get<TextIndex>(definition.what);
  const auto count = search.count;
  std::vector<Value> parameters;
  std::string sql;
  if (session.dialect() == contract::Dialect::sqlite) {
    parameters = {query.fts5(), static_cast<std::int64_t>(count)};
    TRIUNE_ASSIGN(const std::string where, condition(session, index, search, parameters));
    sql = sqlite_search(definition.organization_id, index.name, where);
  } else {
    parameters = {static_cast<std::int64_t>(count)};
    const auto match = query.tsquery(parameters);
    TRIUNE_ASSIGN(const std::string where, condition(session, index, search, parameters));
    TRIUNE_ASSIGN(sql, postgres_search(session, index, match, where));
  }
  auto visited = session.visit(sql, parameters, [&](std::span<const Value> row) -> Status {
    hits.push_back({.collection = index.name,
                    .id = to_text(row[0]),
                    .score = std::get<double>(row[1]),
                    .snippet = to_text(row[2])});
    return {};
  });
  if (!visited && !search.where.empty())
    visited.error().message = fmt::format("the predicate `{}`: {}", search.where, visited.error().message);
  return visited;
}

}  // namespace

Result<std::vector<TextHit>> Implementation::text(const TextSearch& search, const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  TRIUNE_ASSIGN(
      const auto session,
      store_->read(search.where.empty() ? contract::ReadScope::internal : contract::ReadScope::user, options.deadline));
  return text_in(*session, search);
}

Result<std::vector<TextHit>> Implementation::text_in(contract::RelationalSession& session, const TextSearch& search) {
  if (search.count < 1 || search.count > 10'000)
    return failure(ErrorCode::invalid_argument, "a text search returns 1 to 10,000 hits");
  const TextQuery query(search.query);
  if (query.empty()) return failure(ErrorCode::invalid_argument, "the query has no words");
  if (!search.where.empty() && search.collection.empty())
    return failure(ErrorCode::invalid_argument, "a predicate is over the table of one text index; name the index");
  TRIUNE_ASSIGN(auto indexes, stored_definitions(session));
  std::erase_if(indexes, [&](const StoredDefinition& one) {
    return one.organization_id != organization_id_ || one.kind() != "text_index" ||
           (!search.collection.empty() && one.name() != search.collection);
  });
  if (indexes.empty())
    return failure(ErrorCode::not_found, fmt::format("there is no text index{}{}; make one with `triune index text`",
                                                     search.collection.empty() ? "" : " ", search.collection));
  std::vector<TextHit> hits;
  const auto began = Deadline::Clock::now();
  for (const auto& index : indexes) TRIUNE_TRY(search_index(session, index, query, search, hits));
  std::stable_sort(hits.begin(), hits.end(), [](const TextHit& a, const TextHit& b) { return a.score > b.score; });
  if (hits.size() > search.count) hits.resize(search.count);
  const std::chrono::duration<double, std::micro> took = Deadline::Clock::now() - began;
  learned_->searches(default_vector_engine)
      .record("text_search " + (search.collection.empty() ? "all" : search.collection), {.microseconds = took.count()});
  return hits;
}

}  // namespace triune::hive
