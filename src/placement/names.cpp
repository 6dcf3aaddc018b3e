#include "placement/names.h"

#include <algorithm>
#include <array>

#include "model/sql_text.h"

namespace triune::placement {
namespace {

char small(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

bool is_plain(char character) {
  return (character >= 'a' && character <= 'z') || (character >= '0' && character <= '9');
}

/// Words in small letters, split at underscores and at the capitals of camel case.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words(1);
  char before = '_';
  for (const char character : name) {
    const bool capital = character >= 'A' && character <= 'Z';
    const bool starts = capital && is_plain(before);
    if ((starts || character == '_' || character == ' ' || character == '-') && !words.back().empty())
      words.emplace_back();
    if (character != '_' && character != ' ' && character != '-') words.back() += small(character);
    before = character;
  }
  if (words.back().empty()) words.pop_back();
  return words;
}

template <std::size_t size>
bool contains(const std::array<std::string_view, size>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

constexpr auto reference_words =
    std::to_array<std::string_view>({"id", "ids", "uuid", "uuids", "key", "keys", "ref", "refs", "fk"});

std::string joined(std::span<const std::string> words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : "_") + word;
  return text;
}

/// Without the words that only say that it refers to something.
std::vector<std::string> bare_words(std::string_view column) {
  auto words = words_of(column);
  while (words.size() > 1 && contains(reference_words, words.back())) words.pop_back();
  return words;
}

}  // namespace

bool same_name(std::string_view left, std::string_view right) noexcept {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char one, char other) { return small(one) == small(other); });
}

std::string small_letters(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), small);
  return result;
}

std::string quoted_list(std::span<const std::string> names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + model::quote_identifier(name);
  return text;
}

const TableReport* find_table(std::span<const TableReport> tables, std::string_view name) noexcept {
  const auto found = std::find_if(tables.begin(), tables.end(),
                                  [name](const TableReport& table) { return same_name(table.name, name); });
  return found == tables.end() ? nullptr : &*found;
}

const ColumnReport* find_column(const TableReport& table, std::string_view name) noexcept {
  const auto found = std::find_if(table.columns.begin(), table.columns.end(),
                                  [name](const ColumnReport& column) { return same_name(column.name, name); });
  return found == table.columns.end() ? nullptr : &*found;
}

std::string reference_stem(std::string_view column) {
  const auto words = words_of(column);
  const auto bare = bare_words(column);
  if (bare.size() == words.size()) {
    // agentid, written in one
    if (words.size() == 1 && words[0].size() > 4 && words[0].ends_with("id"))
      return words[0].substr(0, words[0].size() - 2);
    return {};
  }
  return joined(bare);
}

bool is_named_after(std::string_view table, std::string_view stem) {
  if (stem.empty()) return false;
  const std::string name = joined(words_of(table));
  const std::string last = name.substr(name.rfind('_') == std::string::npos ? 0 : name.rfind('_') + 1);
  const auto matches = [](std::string_view plural, std::string_view word) {
    if (plural == word || plural == std::string(word) + "s" || plural == std::string(word) + "es") return true;
    if ((word == "person" && plural == "people") || (word == "child" && plural == "children")) return true;
    return word.ends_with('y') && plural == std::string(word.substr(0, word.size() - 1)) + "ies";
  };
  return matches(name, stem) || (last != name && matches(last, stem) && name.ends_with(stem));
}

bool names_own_table(std::string_view column) {
  static constexpr auto whole = std::to_array<std::string_view>(
      {"parent",      "parents",    "child",         "children",     "manager",     "supervisor",   "reply_to",
       "in_reply_to", "previous",   "prev",          "next",         "predecessor", "predecessors", "successor",
       "successors",  "ancestor",   "superseded_by", "blocked_by",   "blocks",      "depends_on",   "dependencies",
       "related",     "related_to", "duplicate_of",  "derived_from", "links",       "neighbours",   "neighbors",
       "friends",     "follows",    "prerequisites", "boss"});
  const auto bare = bare_words(column);
  if (bare.empty()) return false;
  return contains(whole, joined(bare)) || bare.front() == "parent";
}

bool are_edge_ends(std::string_view left, std::string_view right) {
  using Pair = std::pair<std::string_view, std::string_view>;
  static constexpr auto pairs = std::to_array<Pair>({{"from", "to"},
                                                     {"source", "target"},
                                                     {"source", "destination"},
                                                     {"src", "dst"},
                                                     {"src", "dest"},
                                                     {"parent", "child"},
                                                     {"follower", "followee"},
                                                     {"follower", "followed"},
                                                     {"subject", "object"},
                                                     {"sender", "receiver"},
                                                     {"sender", "recipient"},
                                                     {"caller", "callee"},
                                                     {"head", "tail"}});
  static constexpr auto nouns = std::to_array<std::string_view>(
      {"",          "id",     "uuid",      "key",    "node",      "node_id", "name",      "agent",
       "agent_id",  "user",   "user_id",   "task",   "task_id",   "person",  "person_id", "symbol",
       "symbol_id", "entity", "entity_id", "vertex", "vertex_id", "concept", "concept_id"});
  const auto one = words_of(left);
  const auto other = words_of(right);
  if (one.empty() || one.size() != other.size()) return false;
  std::size_t different = one.size();
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i] == other[i]) continue;
    if (different != one.size()) return false;
    different = i;
  }
  if (different == one.size()) return false;
  auto rest = one;
  rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(different));
  const std::string& first = one[different];
  const std::string& second = other[different];
  if (std::find(pairs.begin(), pairs.end(), Pair(first, second)) != pairs.end()) return contains(nouns, joined(rest));
  // person1 and person2, with or without id
  return first.ends_with('1') && second.ends_with('2') && first.size() > 1 &&
         first.substr(0, first.size() - 1) == second.substr(0, second.size() - 1) && contains(nouns, joined(rest));
}

std::string edge_type_of(std::string_view name) {
  std::string type;
  for (const auto& word : words_of(name)) {
    if (!type.empty()) type += '_';
    for (const char character : word)
      type += is_plain(character) ? static_cast<char>(character >= 'a' ? character - 'a' + 'A' : character) : '_';
  }
  if (type.empty() || (type.front() >= '0' && type.front() <= '9')) type = "E_" + type;
  return type;
}

}  // namespace triune::placement
