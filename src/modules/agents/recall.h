// Recall: by words and by vector, fused by reciprocal rank.
//
//   words ──▶ ids by BM25 ──┐
//                           ├──▶ rows that still hold (M2) ──▶ 1 / (60 + rank), summed ──▶ the best
//   vector ─▶ ids by cosine ┘
#pragma once

#include "modules/agents/memory_store.h"
#include "modules/agents/recall_words.h"

namespace triune::modules::agents {

class RecallSearch {
 public:
  RecallSearch(const Module& module, const RecallQuery& query, const ReadOptions& options)
      : module_(module), query_(query), options_(options), now_(now_ms()) {}

  Result<Recall> run();

 private:
  struct Found {
    std::optional<std::int64_t> text_rank;
    std::optional<std::int64_t> vector_rank;
    std::optional<double> distance;
  };

  Status check() const;
  [[nodiscard]] bool is_filtered() const;
  Result<Recall> newest();
  Status search_words(contract::RelationalSession& session);
  void search_vectors(Recall& recall);
  /// Vectors by their metadata; `always` also where only what has expired is kept out.
  [[nodiscard]] VectorSearch vector_search(bool always) const;
  /// Rows of what was found that still hold, with their scores.
  Status gather(contract::RelationalSession& session, Recall& recall);

  const Module& module_;
  const RecallQuery& query_;
  const ReadOptions& options_;
  std::int64_t now_;
  std::map<std::string, Found> found_;
};

}  // namespace triune::modules::agents
