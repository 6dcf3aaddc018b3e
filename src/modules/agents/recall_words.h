// The way of recall by words, in both dialects.
#pragma once

#include <map>

#include "modules/agents/store.h"
#include "triune/modules/memory.h"

namespace triune::modules::agents {

/// What a query restricts memories to: conditions over triune_memories as m, with their values.
class MemoryFilter {
 public:
  /// Values are bound behind `first` parameters, of which ?1 is the organization.
  MemoryFilter(const RecallQuery& query, std::int64_t now, std::size_t first);

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

/// Ids of memories by their words, the best first, at most `depth`. What all words occur in comes first; then what any
/// of the rare ones occurs in, so that no word that is everywhere makes a search rank everything.
class WordSearch : public Part {
 public:
  using Part::Part;

  Result<std::vector<std::string>> run(const RecallQuery& query, std::int64_t now, std::size_t depth) const;

 private:
  Result<std::vector<std::string>> run_sqlite(const std::vector<std::string>& words, const RecallQuery& query,
                                              std::int64_t now, std::size_t depth) const;
  Result<std::vector<std::string>> run_postgres(const std::vector<std::string>& words, const RecallQuery& query,
                                                std::int64_t now, std::size_t depth) const;
  /// How many memories a word occurs in.
  Result<std::int64_t> occurrences(const std::string& word) const;
  /// By one FTS5 expression; by time instead of by rank where `by_time`.
  Status match(const std::string& expression, bool by_time, const RecallQuery& query, std::int64_t now,
               std::size_t depth, std::vector<std::string>& ids) const;
};

}  // namespace triune::modules::agents
