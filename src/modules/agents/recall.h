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
  RecallSearch(const Module& module, const RecallQuery& query, const ReadOptions& options, WordCounts& counts)
      : module_(module), query_(query), options_(options), counts_(counts), now_(now_ms()) {}

  Result<Recall> run();

 private:
  struct Found {
    std::optional<std::int64_t> text_rank;
    std::optional<std::int64_t> vector_rank;
    std::optional<double> distance;
  };

  Status check() const;
  [[nodiscard]] bool is_filtered() const;
  /// Whether so few memories are left by what an index tells that they are found first, and searched alone.
  Result<bool> leaves_few() const;
  Result<Recall> newest();
  Status search_words(contract::RelationalSession& session);
  void search_vectors(Recall& recall);
  /// Vectors by their metadata, or by the rows of their memories where these are few; `always` also where only what has
  /// expired is kept out.
  [[nodiscard]] VectorSearch vector_search(bool always) const;
  /// Rows of what was found that still hold, with their scores.
  Status gather(contract::RelationalSession& session, Recall& recall);

  const Module& module_;
  const RecallQuery& query_;
  const ReadOptions& options_;
  WordCounts& counts_;
  std::int64_t now_;
  bool narrow_ = false;  ///< As `leaves_few` said.
  std::map<std::string, Found> found_;
};

}  // namespace triune::modules::agents
