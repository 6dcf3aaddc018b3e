// Full-text search, in the canonical store and so always current.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "hive/implementation.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

/// One word or phrase of a query as an FTS5 string, with its prefix star outside of the quotes.
std::string term(std::string_view word) {
  const bool prefix = word.size() > 1 && word.ends_with('*');
  if (prefix) word.remove_suffix(1);
  return model::quote_identifier(word) + (prefix ? "*" : "");
}

/// A person's query as an FTS5 expression that always parses: words and "phrases" are quoted; OR and NOT stay operators
/// where they stand between two terms.
std::string expression(std::string_view query) {
  std::vector<std::string> parts;
  const auto is_operator = [](std::string_view word) { return word == "OR" || word == "NOT" || word == "AND"; };
  for (std::size_t at = 0; at < query.size();) {
    if (query[at] == '"') {
      const auto end = std::min(query.find('"', at + 1), query.size());
      if (end > at + 1) parts.push_back(model::quote_identifier(query.substr(at + 1, end - at - 1)));
      at = end + 1;
      continue;
    }
    const auto end = std::min(query.find_first_of(" \t\r\n\"", at), query.size());
    const auto word = query.substr(at, end - at);
    if (!word.empty()) parts.push_back(is_operator(word) ? std::string(word) : term(word));
    at = end == at ? at + 1 : end;
  }
  std::string text;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool between = i > 0 && i + 1 < parts.size() && !is_operator(parts[i - 1]) && !is_operator(parts[i + 1]);
    if (is_operator(parts[i]) && !between) parts[i] = model::quote_identifier(parts[i]);
    text += (i == 0 ? "" : " ") + parts[i];
  }
  return text;
}

Status search_index(contract::RelationalSession& session, std::int64_t organization_id, const std::string& name,
                    const std::string& match, std::size_t count, std::vector<TextHit>& hits) {
  const auto table = model::quote_identifier(fmt::format("triune_text_{}_{}", organization_id, name));
  const std::array<Value, 2> parameters{match, static_cast<std::int64_t>(count)};
  return session.visit(
      fmt::format("SELECT r.key, -bm25({0}), snippet({0}, -1, '[', ']', ' … ', 16) FROM {0} "
                  "JOIN triune_text_rows r ON r.text_row = {0}.rowid WHERE {0} MATCH ?1 "
                  "ORDER BY rank LIMIT ?2",
                  table),
      parameters, [&](std::span<const Value> row) -> Status {
        hits.push_back(
            {.collection = name, .id = to_text(row[0]), .score = std::get<double>(row[1]), .snippet = to_text(row[2])});
        return {};
      });
}

}  // namespace

Result<std::vector<TextHit>> Implementation::text(const TextSearch& search, const ReadOptions& options) {
  TRIUNE_TRY(check_open());
  if (search.count < 1 || search.count > 10'000)
    return failure(ErrorCode::invalid_argument, "a text search returns 1 to 10,000 hits");
  const auto match = expression(search.query);
  if (match.empty()) return failure(ErrorCode::invalid_argument, "the query has no words");
  TRIUNE_ASSIGN(const auto session, reader(options));
  const std::array<Value, 2> parameters{organization_id_, search.collection};
  TRIUNE_ASSIGN(const RowSet indexes,
                session->query("SELECT name FROM triune_definitions WHERE organization_id = ?1 AND kind = 'text_index' "
                               "AND (?2 = '' OR name = ?2)",
                               parameters, 10'000));
  if (indexes.rows.empty())
    return failure(ErrorCode::not_found, fmt::format("there is no text index{}{}; make one with `triune index text`",
                                                     search.collection.empty() ? "" : " ", search.collection));
  std::vector<TextHit> hits;
  for (const auto& row : indexes.rows)
    TRIUNE_TRY(search_index(*session, organization_id_, std::get<std::string>(row[0]), match, search.count, hits));
  std::stable_sort(hits.begin(), hits.end(), [](const TextHit& a, const TextHit& b) { return a.score > b.score; });
  if (hits.size() > search.count) hits.resize(search.count);
  return hits;
}

}  // namespace triune::hive
