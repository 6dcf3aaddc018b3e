#include "modules/agents/recall_words.h"

#include <algorithm>
#include <cctype>

#include "modules/agents/postgres_words.h"
#include "modules/agents/sqlite_words.h"

namespace triune::modules::agents {
namespace {

constexpr std::size_t most_words = 32;
constexpr std::chrono::minutes counted_again{1};

bool is_part_of_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || std::isalnum(byte) != 0;
}

}  // namespace

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

std::optional<IndexedWord> WordCounts::find(const std::string& word) {
  const std::scoped_lock lock(mutex_);
  const auto found = counts_.find(word);
  if (found == counts_.end() || Clock::now() - found->second.at > counted_again) return std::nullopt;
  return found->second.word;
}

void WordCounts::note(const std::string& word, IndexedWord indexed) {
  const std::scoped_lock lock(mutex_);
  if (counts_.size() >= most_words) counts_.clear();
  counts_[word] = {std::move(indexed), Clock::now()};
}

bool WordCounts::wants_statistics() {
  const std::scoped_lock lock(mutex_);
  const auto now = Clock::now();
  if (statistics_at_ != Clock::time_point() && now - statistics_at_ <= counted_again) return false;
  statistics_at_ = now;
  return true;
}

Terms terms_of(std::vector<IndexedWord> words) {
  std::erase_if(words, [](const IndexedWord& word) { return word.term.empty(); });
  std::stable_sort(words.begin(), words.end(),
                   [](const IndexedWord& a, const IndexedWord& b) { return a.memories < b.memories; });
  Terms terms;
  std::int64_t in_all = 0;
  for (auto& word : words) {
    // What occurs nowhere is among the rare ones, lest a word that is new by now is missed, but tells nothing of them.
    const bool first = in_all == 0;
    if (first) terms.common = word.memories >= common_from;
    if (first || in_all + word.memories <= ranked_at_most) {
      terms.rare.push_back(word.term);
      in_all += word.memories;
    }
    terms.all.push_back(std::move(word.term));
  }
  return terms;
}

std::string joined(const std::vector<std::string>& terms, std::string_view between) {
  std::string expression;
  for (const auto& term : terms) {
    if (!expression.empty()) expression += between;
    expression += term;
  }
  return expression;
}

void add_ids(const std::vector<std::string>& more, std::size_t depth, std::vector<std::string>& ids) {
  for (const auto& id : more)
    if (ids.size() < depth && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

Result<std::vector<std::string>> find_by_words(contract::RelationalSession& session, std::int64_t organization_id,
                                               WordCounts& counts, const WordQuery& asked) {
  const auto words = words_of(asked.query.text);
  if (words.empty()) return std::vector<std::string>();
  return session.dialect() == contract::Dialect::sqlite
             ? SqliteWords(session, organization_id, counts).run(words, asked)
             : PostgresWords(session, organization_id, counts).run(words, asked);
}

}  // namespace triune::modules::agents
