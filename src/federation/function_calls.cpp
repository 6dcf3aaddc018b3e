#include "federation/function_calls.h"

#include <algorithm>
#include <array>
#include <utility>

namespace triune::federation {
namespace {

using Kind = SqlToken::Kind;

/// Words that may follow a table without being a name for it.
constexpr auto following_words = std::to_array<std::string_view>(
    {"where",  "group", "order", "limit",   "offset", "having",  "join",    "inner",     "left",
     "right",  "full",  "cross", "natural", "on",     "using",   "union",   "except",    "intersect",
     "window", "fetch", "for",   "indexed", "not",    "and",     "or",      "returning", "tablesample",
     "is",     "then",  "else",  "when",    "end",    "collate", "between", "like",      "in"});

class Finder {
 public:
  Finder(std::string_view sql, std::span<const std::string_view> names, Spelling spelling)
      : tokens_(sql_tokens(sql, spelling)), names_(names) {}

  std::vector<FunctionCall> all() {
    std::vector<FunctionCall> calls;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (!starts_call(i)) continue;
      calls.push_back(read(i));
      while (i + 1 < tokens_.size() && tokens_[i + 1].offset < calls.back().end) ++i;
    }
    return calls;
  }

 private:
  [[nodiscard]] bool starts_call(std::size_t i) const {
    if (tokens_[i].kind != Kind::word || i == 0 || i + 1 >= tokens_.size() || !tokens_[i + 1].is_symbol('('))
      return false;
    if (std::none_of(names_.begin(), names_.end(), [&](auto name) { return tokens_[i].is(name); })) return false;
    const auto& before = tokens_[i - 1];
    return before.is("from") || before.is("join") || before.is("in") || before.is("lateral") || before.is_symbol(',') ||
           before.is_symbol('(');
  }

  FunctionCall read(std::size_t i) const {
    FunctionCall call;
    for (const auto name : names_)
      if (tokens_[i].is(name)) call.name = name;
    call.begin = tokens_[i].offset;
    call.stands_as_set = tokens_[i - 1].is("in");
    std::size_t at = i + 2;
    std::vector<SqlToken> argument;
    for (int depth = 1; at < tokens_.size(); ++at) {
      const auto& token = tokens_[at];
      if (token.is_symbol('(')) ++depth;
      if (token.is_symbol(')') && --depth == 0) break;
      if (token.is_symbol(',') && depth == 1)
        call.arguments.push_back(std::exchange(argument, {}));
      else
        argument.push_back(token);
    }
    if (!argument.empty() || !call.arguments.empty()) call.arguments.push_back(std::move(argument));
    call.end = at < tokens_.size() ? tokens_[at].end() : tokens_.back().end();
    call.has_alias = at + 1 < tokens_.size() && names_table(tokens_[at + 1]);
    return call;
  }

  static bool names_table(const SqlToken& token) {
    if (token.kind == Kind::quoted) return true;
    return token.kind == Kind::word &&
           std::none_of(following_words.begin(), following_words.end(), [&](auto word) { return token.is(word); });
  }

  std::vector<SqlToken> tokens_;
  std::span<const std::string_view> names_;
};

}  // namespace

std::vector<FunctionCall> find_calls(std::string_view sql, std::span<const std::string_view> names, Spelling spelling) {
  return Finder(sql, names, spelling).all();
}

}  // namespace triune::federation
