#include "modules/agents/postgres_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/try.h"

namespace triune::modules::agents {
namespace {

/// ?2 is how many ids there are at most, ?3 and ?4 are expressions: what matches, and what comes first of it. As
/// selects they are read once; otherwise a kept plan reads them for each row.
constexpr std::string_view best_of_few =
    "SELECT m.id FROM triune_memories m JOIN triune_memory_texts t ON t.organization_id = m.organization_id AND "
    "t.memory_id = m.id WHERE m.organization_id = ?1{} AND t.words @@ (SELECT CAST(?3 AS tsquery)) ORDER BY t.words @@ "
    "(SELECT CAST(?4 AS tsquery)) DESC, ts_rank(t.words, (SELECT CAST(?3 AS tsquery))) DESC, m.id DESC LIMIT ?2";
/// LATERAL and LIMIT hold the planner to this way: rows of memories are read for the best words first, and no more of
/// them than it takes.
constexpr std::string_view best_of_many =
    "SELECT b.memory_id FROM (SELECT t.memory_id FROM triune_memory_texts t WHERE t.organization_id = ?1 AND t.words "
    "@@ "
    "(SELECT CAST(?3 AS tsquery)) ORDER BY t.words @@ (SELECT CAST(?4 AS tsquery)) DESC, ts_rank(t.words, (SELECT "
    "CAST(?3 AS tsquery))) DESC, t.memory_id DESC OFFSET 0) b CROSS JOIN LATERAL (SELECT 1 FROM triune_memories m "
    "WHERE "
    "m.organization_id = ?1 AND m.id = b.memory_id{} LIMIT 1) m LIMIT ?2";
/// The same from the newest memory on: as many have the words, enough of them are soon met.
constexpr std::string_view newest_of_many =
    "SELECT m.id FROM triune_memories m CROSS JOIN LATERAL (SELECT 1 FROM triune_memory_texts t WHERE "
    "t.organization_id = ?1 AND t.memory_id = m.id AND t.words @@ (SELECT CAST(?3 AS tsquery)) LIMIT 1) t WHERE "
    "m.organization_id = ?1{} ORDER BY m.created_at_ms DESC LIMIT ?2";

std::vector<std::string> ids_of(const RowSet& rows) {
  std::vector<std::string> ids;
  for (const auto& row : rows.rows) ids.push_back(text(row[0]));
  return ids;
}

}  // namespace

Status PostgresWords::note_statistics() const {
  TRIUNE_ASSIGN(
      const RowSet found,
      rows("SELECT e.word, quote_literal(e.word), CAST(e.share * c.reltuples AS bigint) FROM pg_class c JOIN "
           "pg_namespace n ON n.oid = c.relnamespace JOIN pg_stats s ON s.schemaname = n.nspname AND "
           "s.tablename = c.relname AND s.attname = 'words' CROSS JOIN LATERAL unnest(CAST(CAST("
           "s.most_common_elems AS text) AS text[]), s.most_common_elem_freqs) AS e (word, share) WHERE c.oid "
           "= CAST('triune_memory_texts' AS regclass) AND e.word IS NOT NULL",
           {}));
  for (const auto& row : found.rows) counts_.note(text(row[0]), {text(row[1]), integer(row[2])});
  return {};
}

Result<std::vector<IndexedWord>> PostgresWords::counted(const std::vector<std::string>& words) const {
  const std::array<Value, 2> parameters{joined(words, " "), common_from};
  TRIUNE_ASSIGN(const RowSet found,
                rows("SELECT CAST(q.term AS text), (SELECT count(*) FROM (SELECT 1 FROM triune_memory_texts t WHERE "
                     "t.words @@ q.term LIMIT ?2) AS few) FROM unnest(string_to_array(?1, ' ')) WITH ORDINALITY AS w "
                     "(word, position) CROSS JOIN LATERAL (SELECT triune_term(w.word, false) AS term) q ORDER BY "
                     "w.position",
                     parameters));
  std::vector<IndexedWord> counted;
  for (const auto& row : found.rows) counted.push_back({text(row[0]), integer(row[1])});
  return counted;
}

Result<std::vector<IndexedWord>> PostgresWords::indexed(const std::vector<std::string>& words) const {
  if (counts_.wants_statistics()) TRIUNE_TRY(note_statistics());
  std::vector<IndexedWord> indexed;
  std::vector<std::string> unknown;
  for (const auto& word : words)
    if (auto known = counts_.find(word))
      indexed.push_back(*std::move(known));
    else
      unknown.push_back(word);
  if (unknown.empty()) return indexed;
  TRIUNE_ASSIGN(auto more, counted(unknown));
  for (std::size_t i = 0; i < more.size(); ++i) counts_.note(unknown[i], more[i]);
  std::move(more.begin(), more.end(), std::back_inserter(indexed));
  return indexed;
}

Result<bool> PostgresWords::is_common(const std::string& expression) const {
  const std::array<Value, 2> parameters{expression, common_from};
  TRIUNE_ASSIGN(const RowSet found, rows("SELECT count(*) FROM (SELECT 1 FROM triune_memory_texts t WHERE t.words @@ "
                                         "CAST(?1 AS tsquery) LIMIT ?2) AS few",
                                         parameters));
  return integer(found.rows.at(0).at(0)) >= common_from;
}

Result<std::vector<std::string>> PostgresWords::best(const std::string& any, const std::string& all,
                                                     const WordQuery& asked) const {
  const MemoryFilter filter(asked.query, asked.now, 4,
                            asked.narrow ? MemoryFilter::Expired::by_index : MemoryFilter::Expired::by_row);
  std::vector<Value> parameters{organization(), limited(asked.depth), any, all};
  parameters.insert(parameters.end(), filter.values().begin(), filter.values().end());
  const auto sql = asked.narrow ? best_of_few : best_of_many;
  TRIUNE_ASSIGN(const RowSet found, rows(fmt::format(fmt::runtime(sql), filter.sql()), parameters));
  return ids_of(found);
}

Result<std::vector<std::string>> PostgresWords::newest(const std::string& expression, const WordQuery& asked) const {
  const MemoryFilter filter(asked.query, asked.now, 3);
  std::vector<Value> parameters{organization(), limited(asked.depth), expression};
  parameters.insert(parameters.end(), filter.values().begin(), filter.values().end());
  TRIUNE_ASSIGN(const RowSet found, rows(fmt::format(fmt::runtime(newest_of_many), filter.sql()), parameters));
  return ids_of(found);
}

Result<std::vector<std::string>> PostgresWords::run(const std::vector<std::string>& words,
                                                    const WordQuery& asked) const {
  TRIUNE_ASSIGN(auto known, indexed(words));
  const auto terms = terms_of(std::move(known));
  if (terms.all.empty()) return Ids();
  const auto all = joined(terms.all, " & ");
  const auto any = joined(terms.rare, " | ");
  if (!terms.common) return best(any, all, asked);
  // Each word is common; all of them together may be rare.
  TRIUNE_ASSIGN(const bool together, is_common(all));
  TRIUNE_ASSIGN(auto found, together ? newest(all, asked) : best(all, all, asked));
  if (found.size() >= asked.depth || terms.all.size() == 1) return found;
  TRIUNE_ASSIGN(const auto more, newest(any, asked));
  add_ids(more, asked.depth, found);
  return found;
}

}  // namespace triune::modules::agents
