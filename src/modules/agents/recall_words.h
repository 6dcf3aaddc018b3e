// The way of recall by words, in both dialects.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "modules/agents/store.h"
#include "triune/modules/memory.h"

namespace triune::modules::agents {

/// What a query restricts memories to: conditions over triune_memories as m, with their values.
class MemoryFilter {
 public:
  /// How what has expired is kept out: of rows that are read anyway, or of many in an index that says nothing of it.
  enum class Expired : std::uint8_t { by_row, by_index };
  /// Values are bound behind `first` parameters, of which ?1 is the organization.
  MemoryFilter(const RecallQuery& query, std::int64_t now, std::size_t first, Expired expired = Expired::by_row);

  [[nodiscard]] const std::string& sql() const { return sql_; }  ///< " AND …".
  [[nodiscard]] const std::vector<Value>& values() const { return values_; }

 private:
  void add(std::string_view condition, Value value);

  std::size_t first_;
  std::string sql_;
  std::vector<Value> values_;
};

/// The distinct words of a text, lower case where they are ASCII, at most 32.
std::vector<std::string> words_of(std::string_view text);

/// In how many memories words occur, as it was within the last minute: what decides which words are rare. Common words
/// are asked for again and again, and counting these takes long. Any thread.
class WordCounts {
 public:
  std::optional<std::int64_t> find(const std::string& word);
  void note(const std::string& word, std::int64_t count);

 private:
  using Clock = std::chrono::steady_clock;
  struct Count {
    std::int64_t memories = 0;
    Clock::time_point at;
  };
  static constexpr std::size_t most_words = 20'000;
  std::mutex mutex_;  // guards what follows
  std::unordered_map<std::string, Count> counts_;
};

/// What a search for words is about.
struct WordQuery {
  const RecallQuery& query;
  std::int64_t now = 0;
  std::size_t depth = 50;
  bool filtered = false;  ///< The query restricts to some memories,
  bool narrow = false;    ///< and these are few.
};

/// Ids of memories by their words, the best first, at most `depth`. What all words occur in comes first; then what any
/// of the rare ones occurs in, so that no word that is everywhere makes a search rank everything.
class WordSearch : public Part {
 public:
  WordSearch(contract::RelationalSession& session, std::int64_t organization_id, WordCounts& counts)
      : Part(session, organization_id), counts_(counts) {}

  Result<std::vector<std::string>> run(const WordQuery& asked) const;

 private:
  using Ids = std::vector<std::string>;
  enum class Order : std::uint8_t { best_first, newest_first };
  struct Match {
    std::int64_t row = 0;  ///< In the index.
    std::string id;
  };
  Result<Ids> run_sqlite(const std::vector<std::string>& words, const WordQuery& asked) const;
  Result<Ids> run_postgres(const std::vector<std::string>& words, const WordQuery& asked) const;
  /// How many memories a word occurs in.
  Result<std::int64_t> occurrences(const std::string& word) const;
  /// Rows that an FTS5 expression matches, whomever they belong to, the newest first.
  Result<std::vector<std::int64_t>> newest_rows(const std::string& expression, std::size_t limit) const;
  /// The same, the best first. The expression matches few of all.
  Result<std::vector<std::int64_t>> best_rows(const std::string& expression) const;
  /// Those of `found` that the query admits, in their order.
  Result<std::vector<Match>> admitted(std::span<const std::int64_t> found, const WordQuery& asked) const;
  /// What an expression matches and the query admits, at most `depth`.
  Result<std::vector<Match>> matches(const std::string& expression, Order order, const WordQuery& asked) const;
  /// The same: the best are looked up in the index and admitted in turns, until there are enough.
  Result<std::vector<Match>> best_matches(const std::string& expression, const WordQuery& asked) const;
  /// The same: words and rows by one statement.
  Result<std::vector<Match>> matches_together(const std::string& expression, Order order, const WordQuery& asked) const;

  WordCounts& counts_;
};

}  // namespace triune::modules::agents
