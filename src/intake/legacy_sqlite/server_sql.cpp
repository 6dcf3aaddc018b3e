#include "intake/legacy_sqlite/server_sql.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/try.h"
#include "model/sql_text.h"
#include "placement/names.h"

namespace triune::intake::legacy {
namespace {

using placement::small_letters;

struct Word {
  enum class Kind : std::uint8_t { name, quoted, text, number, blob, symbol };
  Kind kind = Kind::symbol;
  std::string text;  ///< As it stands there; of a quoted name and of a text, what it says.
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] bool is(std::string_view small) const { return kind == Kind::name && small_letters(text) == small; }
  [[nodiscard]] bool is_symbol(std::string_view one) const { return kind == Kind::symbol && text == one; }
};

bool begins_name(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || letter == '_' ||
         static_cast<unsigned char>(letter) >= 0x80U;
}

bool is_digit(char letter) {
  return letter >= '0' && letter <= '9';
}

/// Cuts SQL into words; comments are left out.
class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}

  std::vector<Word> all() {
    std::vector<Word> words;
    while (skip_space()) words.push_back(next());
    return words;
  }

 private:
  [[nodiscard]] char at(std::size_t position) const { return position < sql_.size() ? sql_[position] : '\0'; }

  bool skip_space() {
    while (at_ < sql_.size()) {
      if (std::string_view(" \t\r\n\f").find(sql_[at_]) != std::string_view::npos) {
        ++at_;
      } else if (at(at_) == '-' && at(at_ + 1) == '-') {
        at_ = std::min(sql_.size(), sql_.find('\n', at_));
      } else if (at(at_) == '/' && at(at_ + 1) == '*') {
        const auto end = sql_.find("*/", at_ + 2);
        at_ = end == std::string_view::npos ? sql_.size() : end + 2;
      } else {
        return true;
      }
    }
    return false;
  }

  Word next() {
    Word word{.begin = at_};
    const char first = at(at_);
    if (first == '\'' || ((first == 'x' || first == 'X') && at(at_ + 1) == '\'')) {
      word.kind = first == '\'' ? Word::Kind::text : Word::Kind::blob;
      at_ += first == '\'' ? 0 : 1;
      word.text = quoted('\'');
    } else if (first == '"' || first == '`' || first == '[') {
      word.kind = Word::Kind::quoted;
      word.text = quoted(first == '[' ? ']' : first);
    } else if (begins_name(first)) {
      word.kind = Word::Kind::name;
      while (begins_name(at(at_)) || is_digit(at(at_)) || at(at_) == '$') word.text += sql_[at_++];
    } else if (is_digit(first) || (first == '.' && is_digit(at(at_ + 1)))) {
      word.kind = Word::Kind::number;
      while (begins_name(at(at_)) || is_digit(at(at_)) || at(at_) == '.' ||
             ((at(at_) == '-' || at(at_) == '+') && small_letters(word.text).ends_with('e')))
        word.text += sql_[at_++];
    } else {
      const auto pair = sql_.substr(at_, 2);
      const bool two = pair == "<>" || pair == "!=" || pair == "<=" || pair == ">=" || pair == "==" || pair == "||" ||
                       pair == "->" || pair == "<<" || pair == ">>";
      word.text = sql_.substr(at_, two ? 2 : 1);
      at_ += word.text.size();
    }
    word.end = at_;
    return word;
  }

  std::string quoted(char end) {
    std::string text;
    for (++at_; at_ < sql_.size(); ++at_) {
      if (sql_[at_] == end && (end == ']' || at(at_ + 1) != end)) {
        ++at_;
        break;
      }
      if (sql_[at_] == end) ++at_;
      text += sql_[at_];
    }
    return text;
  }

  std::string_view sql_;
  std::size_t at_ = 0;
};

/// What both say with the same meaning.
const std::set<std::string, std::less<>> shared_words{
    "select",  "distinct", "from", "where",  "join",   "left", "inner", "cross", "on",  "group",  "by",       "having",
    "order",   "asc",      "desc", "limit",  "offset", "as",   "union", "all",   "and", "or",     "not",      "in",
    "between", "is",       "null", "exists", "case",   "when", "then",  "else",  "end", "except", "intersect"};
const std::set<std::string, std::less<>> shared_functions{"count", "sum",    "min",   "max",   "coalesce",
                                                          "abs",   "nullif", "lower", "upper", "length"};
constexpr std::array<std::string_view, 15> shared_symbols{"(", ")", ",", ".",  "+",  "-",  "*", "/",
                                                          "=", "<", ">", "<>", "!=", "<=", ">="};

std::unexpected<Error> not_the_same(const std::string& what) {
  return failure(ErrorCode::unsupported, what);
}

class Translation {
 public:
  explicit Translation(std::span<const placement::TableReport* const> tables) {
    for (const auto* table : tables) {
      names_.emplace(small_letters(table->name), table->name);
      for (const auto& column : table->columns) names_.emplace(small_letters(column.name), column.name);
    }
  }

  Result<std::string> run(std::string_view sql) {
    const auto words = Scanner(sql).all();
    // Names that the text gives are used before they are given.
    for (std::size_t i = 1; i < words.size(); ++i)
      if (gives_name(words[i - 1], words[i])) names_.emplace(small_letters(words[i].text), words[i].text);
    std::string text;
    for (std::size_t i = 0; i < words.size(); ++i) {
      const bool called = i + 1 < words.size() && words[i + 1].is_symbol("(");
      auto part = word(words[i], called);
      if (!part) return part;
      const bool closes = words[i].is_symbol(".") || words[i].is_symbol(")") || words[i].is_symbol(",");
      const bool calls = words[i].is_symbol("(") && is_call(words, i);
      const bool tight = text.empty() || closes || calls || text.ends_with('.') || text.ends_with('(');
      if (!tight) text += ' ';
      text += *part;
    }
    return text;
  }

 private:
  static bool is_operand(const Word& word) {
    return word.kind == Word::Kind::quoted || word.is_symbol(")") ||
           (word.kind == Word::Kind::name && !shared_words.contains(small_letters(word.text)));
  }
  static bool gives_name(const Word& before, const Word& word) {
    if (word.kind != Word::Kind::name && word.kind != Word::Kind::quoted) return false;
    const bool is_name = word.kind == Word::Kind::quoted || !shared_words.contains(small_letters(word.text));
    return is_name && (before.is("as") || is_operand(before));
  }
  static bool is_call(const std::vector<Word>& words, std::size_t bracket) {
    return bracket > 0 && words[bracket - 1].kind == Word::Kind::name &&
           shared_functions.contains(small_letters(words[bracket - 1].text));
  }

  Result<std::string> word(const Word& one, bool called) {
    switch (one.kind) {
      case Word::Kind::text: return model::quote_literal(one.text);
      case Word::Kind::number: return one.text;
      case Word::Kind::blob: return fmt::format("'\\x{}'", one.text);
      case Word::Kind::quoted: return name(one.text);
      case Word::Kind::symbol: break;
      case Word::Kind::name:
        if (called && shared_functions.contains(small_letters(one.text))) return small_letters(one.text);
        if (shared_words.contains(small_letters(one.text))) return capitals(one.text);
        if (called) return not_the_same(fmt::format("{}() is SQLite's, or means something else there", one.text));
        return name(one.text);
    }
    if (one.text == "==") return std::string("=");
    if (std::find(shared_symbols.begin(), shared_symbols.end(), one.text) == shared_symbols.end())
      return not_the_same(fmt::format("{} means something else there", one.text));
    return one.text;
  }

  static std::string capitals(std::string text) {
    for (auto& letter : text)
      if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
    return text;
  }

  /// A name of the tables, or one that the text itself gave.
  Result<std::string> name(const std::string& text) const {
    const auto known = names_.find(small_letters(text));
    if (known == names_.end()) return not_the_same(fmt::format("nothing is called {}", text));
    return model::quote_identifier(known->second);
  }

  std::map<std::string, std::string> names_;
};

}  // namespace

Result<std::string> server_sql(std::string_view sql, std::span<const placement::TableReport* const> tables) {
  return Translation(tables).run(sql);
}

std::vector<std::string> checks_of(std::string_view create_table) {
  const auto words = Scanner(create_table).all();
  std::vector<std::string> checks;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    if (!words[i].is("check") || !words[i + 1].is_symbol("(")) continue;
    int depth = 0;
    std::size_t end = i + 1;
    for (; end < words.size(); ++end) {
      depth += words[end].is_symbol("(") ? 1 : words[end].is_symbol(")") ? -1 : 0;
      if (depth == 0) break;
    }
    if (end == words.size()) break;
    checks.emplace_back(create_table.substr(words[i + 1].end, words[end].begin - words[i + 1].end));
    i = end;
  }
  return checks;
}

Result<std::string> query_of_view(std::string_view create_view) {
  const auto words = Scanner(create_view).all();
  const auto as = std::find_if(words.begin(), words.end(), [](const Word& word) { return word.is("as"); });
  if (as == words.end()) return not_the_same("its query was not found");
  if (std::any_of(words.begin(), as, [](const Word& word) { return word.is_symbol("("); }))
    return not_the_same("it names its columns apart from its query");
  return std::string(create_view.substr(as->end));
}

bool has_words(std::string_view sql, std::span<const std::string_view> words) {
  const auto all = Scanner(sql).all();
  return std::search(all.begin(), all.end(), words.begin(), words.end(),
                     [](const Word& one, std::string_view wanted) { return one.is(wanted); }) != all.end();
}

namespace {

/// The moment of a write, as SQLite spells it.
std::string now_as(std::string_view form) {
  return fmt::format("to_char(clock_timestamp() AT TIME ZONE 'UTC', '{}')", form);
}

Result<std::string> literal_default(const Word& word, bool negative, std::string_view type) {
  const auto sign = negative ? "-" : "";
  const bool whole = word.text.find_first_not_of("0123456789") == std::string::npos;
  if (type == "text" && word.kind == Word::Kind::text && !negative) return model::quote_literal(word.text);
  // The affinity of a text column makes a text of a number.
  if (type == "text" && word.kind == Word::Kind::number && whole) return fmt::format("'{}{}'", sign, word.text);
  if (type == "bytea" && word.kind == Word::Kind::blob && !negative) return fmt::format("'\\x{}'", word.text);
  const bool number = word.kind == Word::Kind::number && (type == "double precision" || (type == "bigint" && whole));
  if (number) return sign + word.text;
  const bool truth = type == "bigint" && !negative && (word.is("true") || word.is("false"));
  if (truth) return std::string(word.is("true") ? "1" : "0");
  return not_the_same(fmt::format("{} is no value of the type {}", word.text, type));
}

}  // namespace

Result<std::string> server_default(std::string_view expression, std::string_view type) {
  auto words = Scanner(expression).all();
  while (words.size() > 2 && words.front().is_symbol("(") && words.back().is_symbol(")")) {
    words.pop_back();
    words.erase(words.begin());
  }
  const bool of_now = words.size() == 4 && words[0].is("datetime") && words[1].is_symbol("(") &&
                      words[2].kind == Word::Kind::text && small_letters(words[2].text) == "now";
  const bool one = words.size() == 1;
  if (one && words[0].is("null")) return std::string("NULL");
  if (type == "text" && (of_now || (one && words[0].is("current_timestamp")))) return now_as("YYYY-MM-DD HH24:MI:SS");
  if (type == "text" && one && words[0].is("current_date")) return now_as("YYYY-MM-DD");
  if (type == "text" && one && words[0].is("current_time")) return now_as("HH24:MI:SS");
  if (one) return literal_default(words[0], false, type);
  const bool signed_number = words.size() == 2 && (words[0].is_symbol("-") || words[0].is_symbol("+"));
  if (signed_number) return literal_default(words[1], words[0].is_symbol("-"), type);
  return not_the_same(fmt::format("{} is an expression of SQLite", expression));
}

}  // namespace triune::intake::legacy
