// Words of memories in an FTS5 index.
#pragma once

#include <span>

#include "modules/agents/recall_words.h"
#include "modules/agents/store.h"

namespace triune::modules::agents {

class SqliteWords : public Part {
 public:
  SqliteWords(contract::RelationalSession& session, std::int64_t organization_id, WordCounts& counts)
      : Part(session, organization_id), counts_(counts) {}

  /// As `find_by_words`.
  Result<std::vector<std::string>> run(const std::vector<std::string>& words, const WordQuery& asked) const;

 private:
  using Ids = std::vector<std::string>;
  enum class Order : std::uint8_t { best_first, newest_first };
  struct Match {
    std::int64_t row = 0;  ///< In the index.
    std::string id;
  };
  Result<IndexedWord> indexed(const std::string& word) const;
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
