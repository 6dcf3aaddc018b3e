// The way of recall by words: what both dialects have in common.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "contract/relational_store.h"
#include "triune/modules/memory.h"

namespace triune::modules::agents {

/// A word of a question as the index knows it.
struct IndexedWord {
  std::string term;           ///< As an expression spells it; empty: the index leaves it out.
  std::int64_t memories = 0;  ///< That it occurs in.
};

/// In how many memories words occur, as it was within the last minute: what decides which words are rare. Common words
/// are asked for again and again, and counting these takes long. Any thread.
class WordCounts {
 public:
  std::optional<IndexedWord> find(const std::string& word);
  void note(const std::string& word, IndexedWord indexed);
  /// Whether it is time to note what the store's statistics tell of common words; once a minute, to one of those who
  /// ask.
  bool wants_statistics();

 private:
  using Clock = std::chrono::steady_clock;
  struct Count {
    IndexedWord word;
    Clock::time_point at;
  };
  static constexpr std::size_t most_words = 20'000;
  std::mutex mutex_;  // guards what follows
  std::unordered_map<std::string, Count> counts_;
  Clock::time_point statistics_at_;
};

/// What a search for words is about.
struct WordQuery {
  const RecallQuery& query;
  std::int64_t now = 0;
  std::size_t depth = 50;
  bool filtered = false;  ///< The query restricts to some memories,
  bool narrow = false;    ///< and these are few.
};

/// The distinct words of a text, lower case where they are ASCII, at most 32.
std::vector<std::string> words_of(std::string_view text);

/// So many memories are ranked by a search for any of some words, if it can be helped. Words that occur in more than
/// twice as many are common: by these the newest are found, not the best.
inline constexpr std::int64_t ranked_at_most = 2'000;
inline constexpr std::int64_t common_from = 2 * ranked_at_most + 1;

/// The terms of a question.
struct Terms {
  std::vector<std::string> all;   ///< The rarest first.
  std::vector<std::string> rare;  ///< Those of them that few memories have altogether; at least one.
  bool common = false;            ///< Even the rarest is.
};
Terms terms_of(std::vector<IndexedWord> words);
std::string joined(const std::vector<std::string>& terms, std::string_view between);

/// Adds what is not there yet, until there are `depth`.
void add_ids(const std::vector<std::string>& more, std::size_t depth, std::vector<std::string>& ids);

/// Ids of memories by their words, the best first, at most `depth`. What all words occur in comes first; then what any
/// of the rare ones occurs in, so that no word that is everywhere makes a search rank everything.
Result<std::vector<std::string>> find_by_words(contract::RelationalSession& session, std::int64_t organization_id,
                                               WordCounts& counts, const WordQuery& asked);

}  // namespace triune::modules::agents
