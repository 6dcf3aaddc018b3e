#include "modules/agents/sqlite_words.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <iterator>

#include "base/try.h"
#include "model/sql_text.h"
#include "modules/agents/memory_filter.h"

namespace triune::modules::agents {
namespace {

/// Of the newest in the index, so many are looked at for each that is wanted: where nothing restricts, and where more
/// than a few are left.
constexpr std::size_t looked_at_for_one = 2;
constexpr std::size_t looked_at_for_one_of_some = 30;
/// Of the best, so many at first, and then as many as seem to be needed.
constexpr std::size_t first_turn_for_one = 2;
constexpr double caution = 1.3;

template <class Match>
std::vector<Match> matches_of(const RowSet& rows) {
  std::vector<Match> matches;
  for (const auto& row : rows.rows) matches.push_back({integer(row[0]), text(row[1])});
  return matches;
}

}  // namespace

Result<IndexedWord> SqliteWords::indexed(const std::string& word) const {
  if (auto known = counts_.find(word)) return *std::move(known);
  const std::array<Value, 1> term{word};
  TRIUNE_ASSIGN(const RowSet found, rows("SELECT doc FROM triune_memory_vocabulary WHERE term = ?1", term));
  IndexedWord indexed{model::quote_identifier(word), found.rows.empty() ? 0 : integer(found.rows[0][0])};
  counts_.note(word, indexed);
  return indexed;
}

Result<std::vector<std::int64_t>> SqliteWords::newest_rows(const std::string& expression, std::size_t limit) const {
  const std::array<Value, 2> parameters{expression, limited(limit)};
  TRIUNE_ASSIGN(const RowSet found, rows("SELECT rowid FROM triune_memory_words WHERE triune_memory_words MATCH ?1 "
                                         "ORDER BY rowid DESC LIMIT ?2",
                                         parameters));
  std::vector<std::int64_t> numbers;
  for (const auto& row : found.rows) numbers.push_back(integer(row[0]));
  return numbers;
}

Result<std::vector<std::int64_t>> SqliteWords::best_rows(const std::string& expression) const {
  // Sorted here: the index would keep whole records for it. How often words occur may be a minute old, hence the limit.
  const std::array<Value, 2> parameters{expression, limited(5 * ranked_at_most)};
  TRIUNE_ASSIGN(
      const RowSet found,
      rows("SELECT rowid, rank FROM triune_memory_words WHERE triune_memory_words MATCH ?1 LIMIT ?2", parameters));
  std::vector<std::pair<double, std::int64_t>> ranked;
  for (const auto& row : found.rows) ranked.emplace_back(real(row[1]), integer(row[0]));
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::int64_t> numbers;
  for (const auto& [rank, row] : ranked) numbers.push_back(row);
  return numbers;
}

Result<std::vector<SqliteWords::Match>> SqliteWords::admitted(std::span<const std::int64_t> found,
                                                              const WordQuery& asked) const {
  if (found.empty()) return std::vector<Match>();
  const MemoryFilter filter(asked.query, asked.now, 3);
  std::vector<Value> parameters{organization(), fmt::format("[{}]", fmt::join(found, ",")), limited(asked.depth)};
  parameters.insert(parameters.end(), filter.values().begin(), filter.values().end());
  TRIUNE_ASSIGN(const RowSet left,
                rows(fmt::format("SELECT t.text_row, t.memory_id FROM json_each(?2) k CROSS JOIN triune_memory_texts t "
                                 "ON t.text_row = k.value CROSS JOIN triune_memories m ON m.organization_id = "
                                 "t.organization_id AND m.id = t.memory_id WHERE t.organization_id = ?1{} ORDER BY "
                                 "k.key LIMIT ?3",
                                 filter.sql()),
                     parameters));
  return matches_of<Match>(left);
}

Result<std::vector<SqliteWords::Match>> SqliteWords::matches_together(const std::string& expression, Order order,
                                                                      const WordQuery& asked) const {
  // Few memories are found first, and words looked up among them; otherwise CROSS JOIN keeps the order: from the words
  // to the rows.
  const MemoryFilter filter(asked.query, asked.now, 3,
                            asked.narrow ? MemoryFilter::Expired::by_index : MemoryFilter::Expired::by_row);
  std::vector<Value> parameters{organization(), expression, limited(asked.depth)};
  parameters.insert(parameters.end(), filter.values().begin(), filter.values().end());
  const std::string_view sql =
      asked.narrow
          ? "WITH few AS MATERIALIZED (SELECT t.text_row, t.memory_id FROM triune_memories m CROSS JOIN "
            "triune_memory_texts t ON t.organization_id = m.organization_id AND t.memory_id = m.id WHERE "
            "m.organization_id = ?1{}) SELECT f.text_row, f.memory_id FROM triune_memory_words CROSS JOIN few f ON "
            "f.text_row = triune_memory_words.rowid WHERE triune_memory_words MATCH ?2 ORDER BY {} LIMIT ?3"
          : "SELECT t.text_row, t.memory_id FROM triune_memory_words CROSS JOIN triune_memory_texts t ON t.text_row = "
            "triune_memory_words.rowid CROSS JOIN triune_memories m ON m.organization_id = t.organization_id AND m.id "
            "= t.memory_id WHERE triune_memory_words MATCH ?2 AND t.organization_id = ?1{} ORDER BY {} LIMIT ?3";
  TRIUNE_ASSIGN(const RowSet found,
                rows(fmt::format(fmt::runtime(sql), filter.sql(),
                                 order == Order::best_first ? "rank" : "triune_memory_words.rowid DESC"),
                     parameters));
  return matches_of<Match>(found);
}

Result<std::vector<SqliteWords::Match>> SqliteWords::best_matches(const std::string& expression,
                                                                  const WordQuery& asked) const {
  TRIUNE_ASSIGN(const auto best, best_rows(expression));
  std::vector<Match> left;
  std::size_t turn = first_turn_for_one * asked.depth;
  for (std::size_t begin = 0; begin < best.size() && left.size() < asked.depth;) {
    const auto some = std::span(best).subspan(begin, std::min(turn, best.size() - begin));
    TRIUNE_ASSIGN(auto more, admitted(some, asked));
    begin += some.size();
    left.insert(left.end(), std::move_iterator(more.begin()), std::move_iterator(more.end()));
    const double share = std::max(1.0, static_cast<double>(left.size())) / static_cast<double>(begin);
    turn = static_cast<std::size_t>(caution * static_cast<double>(asked.depth) / share);
  }
  if (left.size() > asked.depth) left.resize(asked.depth);
  return left;
}

Result<std::vector<SqliteWords::Match>> SqliteWords::matches(const std::string& expression, Order order,
                                                             const WordQuery& asked) const {
  if (asked.narrow) return matches_together(expression, order, asked);
  if (order == Order::best_first) return best_matches(expression, asked);
  const auto looked_at = asked.depth * (asked.filtered ? looked_at_for_one_of_some : looked_at_for_one);
  TRIUNE_ASSIGN(const auto found, newest_rows(expression, looked_at));
  TRIUNE_ASSIGN(auto left, admitted(found, asked));
  if (left.size() >= asked.depth || found.size() < looked_at) return left;
  return matches_together(expression, order, asked);
}

Result<std::vector<std::string>> SqliteWords::run(const std::vector<std::string>& words, const WordQuery& asked) const {
  std::vector<IndexedWord> known;
  for (const auto& word : words) {
    TRIUNE_ASSIGN(auto one, indexed(word));
    known.push_back(std::move(one));
  }
  const auto terms = terms_of(std::move(known));
  const auto order = terms.common ? Order::newest_first : Order::best_first;
  const auto all = joined(terms.all, " AND ");
  Ids ids;
  // To rank, the index counts each word of the expression: of what few have in common, the rare words tell enough.
  TRIUNE_ASSIGN(auto common, newest_rows(all, asked.depth));
  if (common.size() == asked.depth) {
    common.clear();
    TRIUNE_ASSIGN(const auto best, matches(all, order, asked));
    for (const auto& match : best) ids.push_back(match.id);
    if (ids.size() >= asked.depth || terms.all.size() == 1) return ids;
  }
  TRIUNE_ASSIGN(auto any, matches(joined(terms.rare, " OR "), order, asked));
  const auto in_common = [&](const Match& match) {
    return std::find(common.begin(), common.end(), match.row) != common.end();
  };
  const auto rest = std::stable_partition(any.begin(), any.end(), in_common);
  for (auto match = any.begin(); match != rest; ++match) {
    ids.push_back(match->id);
    std::erase(common, match->row);
  }
  TRIUNE_ASSIGN(const auto others, admitted(common, asked));
  for (const auto& match : others) ids.push_back(match.id);
  Ids left;
  for (auto match = rest; match != any.end(); ++match) left.push_back(match->id);
  add_ids(left, asked.depth, ids);
  return ids;
}

}  // namespace triune::modules::agents
