// Words of memories in a GIN index of tsvectors. Expressions are the texts of tsqueries.
#pragma once

#include "modules/agents/memory_filter.h"
#include "modules/agents/recall_words.h"
#include "modules/agents/store.h"

namespace triune::modules::agents {

class PostgresWords : public Part {
 public:
  PostgresWords(contract::RelationalSession& session, std::int64_t organization_id, WordCounts& counts)
      : Part(session, organization_id), counts_(counts) {}

  /// As `find_by_words`.
  Result<std::vector<std::string>> run(const std::vector<std::string>& words, const WordQuery& asked) const;

 private:
  using Ids = std::vector<std::string>;
  Result<std::vector<IndexedWord>> indexed(const std::vector<std::string>& words) const;
  /// Notes what the server knows of common words, since counting these takes long.
  Status note_statistics() const;
  /// In how many memories each word occurs, `common_from` at most.
  Result<std::vector<IndexedWord>> counted(const std::vector<std::string>& words) const;
  [[nodiscard]] Result<bool> is_common(const std::string& expression) const;
  /// What `any` matches and the query admits, at most `depth`: what `all` matches first, then the best. Few memories
  /// match.
  Result<Ids> best(const std::string& any, const std::string& all, const WordQuery& asked) const;
  /// What `expression` matches and the query admits, of what many match.
  Result<Ids> newest(const std::string& expression, const WordQuery& asked) const;

  WordCounts& counts_;
};

}  // namespace triune::modules::agents
