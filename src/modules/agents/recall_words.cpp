#include "modules/agents/recall_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/try.h"
#include "model/sql_text.h"

namespace triune::modules::agents {
namespace {

constexpr std::size_t most_words = 32;
/// So many memories are ranked by a search for any of some words, if it can be helped.
constexpr std::int64_t ranked_at_most = 10'000;

bool is_part_of_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0;
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string expression;
  for (const auto& word : words) {
    if (!expression.empty()) expression += between;
    expression += model::quote_identifier(word);
  }
  return expression;
}

/// Adds what is not there yet.
void add_ids(const RowSet& rows, std::size_t depth, std::vector<std::string>& ids) {
  for (const auto& row : rows.rows) {
    auto id = text(row[0]);
    if (ids.size() < depth && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(std::move(id));
  }
}

}  // namespace

MemoryFilter::MemoryFilter(const RecallQuery& query, std::int64_t now, std::size_t first) : first_(first) {
  add(" AND (m.expires_at_ms IS NULL OR m.expires_at_ms > ?{})", now);
  if (!query.agent.empty()) add(" AND m.agent_id = ?{}", query.agent);
  if (!query.session.empty()) add(" AND m.session_id = ?{}", query.session);
  if (query.since_ms) add(" AND m.created_at_ms >= ?{}", *query.since_ms);
  if (query.until_ms) add(" AND m.created_at_ms < ?{}", *query.until_ms);
  std::string kinds;
  for (const auto& kind : query.kinds) {
    values_.emplace_back(kind);
    kinds += fmt::format("{}?{}", kinds.empty() ? "" : ", ", first_ + values_.size());
  }
  if (!kinds.empty()) sql_ += fmt::format(" AND m.kind IN ({})", kinds);
}

void MemoryFilter::add(std::string_view condition, Value value) {
  values_.push_back(std::move(value));
  sql_ += fmt::format(fmt::runtime(condition), first_ + values_.size());
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t at = 0; at < text.size() && words.size() < most_words;) {
    if (!is_part_of_word(text[at])) {
      ++at;
      continue;
    }
    std::string word;
    for (; at < text.size() && is_part_of_word(text[at]); ++at)
      word += static_cast<char>(std::tolower(static_cast<unsigned char>(text[at])));
    if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(std::move(word));
  }
  return words;
}

Result<std::vector<std::string>> WordSearch::run(const RecallQuery& query, std::int64_t now, std::size_t depth) const {
  const auto words = words_of(query.text);
  if (words.empty()) return std::vector<std::string>();
  return session_.dialect() == contract::Dialect::sqlite ? run_sqlite(words, query, now, depth)
                                                         : run_postgres(words, query, now, depth);
}

Result<std::int64_t> WordSearch::occurrences(const std::string& word) const {
  const std::array<Value, 1> term{word};
  TRIUNE_ASSIGN(const RowSet found, rows("SELECT doc FROM triune_memory_vocabulary WHERE term = ?1", term));
  return found.rows.empty() ? 0 : integer(found.rows[0][0]);
}

Status WordSearch::match(const std::string& expression, bool by_time, const RecallQuery& query, std::int64_t now,
                         std::size_t depth, std::vector<std::string>& ids) const {
  const MemoryFilter filter(query, now, 3);
  std::vector<Value> parameters{organization(), expression, limited(depth)};
  parameters.insert(parameters.end(), filter.values().begin(), filter.values().end());
  // CROSS JOIN keeps the order: from the words to the rows.
  TRIUNE_ASSIGN(
      const RowSet found,
      rows(fmt::format("SELECT t.memory_id FROM triune_memory_words w CROSS JOIN triune_memory_texts t ON t.text_row = "
                       "w.rowid CROSS JOIN triune_memories m ON m.organization_id = t.organization_id AND m.id = "
                       "t.memory_id WHERE w.triune_memory_words MATCH ?2 AND t.organization_id = ?1{} ORDER BY {} "
                       "LIMIT ?3",
                       filter.sql(), by_time ? "w.rowid DESC" : "w.rank"),
           parameters));
  add_ids(found, depth, ids);
  return {};
}

Result<std::vector<std::string>> WordSearch::run_sqlite(const std::vector<std::string>& words, const RecallQuery& query,
                                                        std::int64_t now, std::size_t depth) const {
  std::vector<std::pair<std::int64_t, std::string>> by_rarity;
  for (const auto& word : words) {
    TRIUNE_ASSIGN(const auto count, occurrences(word));
    by_rarity.emplace_back(count, word);
  }
  std::sort(by_rarity.begin(), by_rarity.end());
  const bool everywhere = by_rarity.front().first > 2 * ranked_at_most;
  std::vector<std::string> ids;
  TRIUNE_TRY(match(joined(words, " AND "), everywhere, query, now, depth, ids));
  if (ids.size() >= depth || words.size() == 1) return ids;
  std::vector<std::string> rare;
  std::int64_t ranked = 0;
  for (const auto& [count, word] : by_rarity) {
    if (!rare.empty() && ranked + count > ranked_at_most) break;
    rare.push_back(word);
    ranked += count;
  }
  TRIUNE_TRY(match(joined(rare, " OR "), everywhere, query, now, depth, ids));
  return ids;
}

Result<std::vector<std::string>> WordSearch::run_postgres(const std::vector<std::string>& words,
                                                          const RecallQuery& query, std::int64_t now,
                                                          std::size_t depth) const {
  std::vector<std::string> ids;
  for (const std::string_view between : {" && ", " || "}) {
    std::vector<Value> parameters{organization(), limited(depth), ranked_at_most};
    std::string terms;
    for (const auto& word : words) {
      parameters.emplace_back(word);
      terms += fmt::format("{}triune_term(?{}, false)", terms.empty() ? "" : between, parameters.size());
    }
    const MemoryFilter filter(query, now, parameters.size());
    parameters.insert(parameters.end(), filter.values().begin(), filter.values().end());
    TRIUNE_ASSIGN(
        const RowSet found,
        rows(fmt::format("SELECT x.memory_id FROM (SELECT t.memory_id, ts_rank(t.words, {0}) AS rank, m.created_at_ms "
                         "FROM triune_memory_texts t JOIN triune_memories m ON m.organization_id = t.organization_id "
                         "AND m.id = t.memory_id WHERE t.organization_id = ?1 AND t.words @@ ({0}){1} LIMIT ?3) x "
                         "ORDER BY x.rank DESC, x.created_at_ms DESC LIMIT ?2",
                         terms, filter.sql()),
             parameters));
    add_ids(found, depth, ids);
    if (ids.size() >= depth || words.size() == 1) break;
  }
  return ids;
}

}  // namespace triune::modules::agents
