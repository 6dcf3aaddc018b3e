#include "federation/sql_tokens.h"

#include <algorithm>

namespace triune::federation {
namespace {

using Kind = SqlToken::Kind;

char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character | 0x20) : character;
}
bool is_digit(char character) {
  return character >= '0' && character <= '9';
}
/// Bytes beyond ASCII are letters, as both engines have it.
bool is_name(char character) {
  const char small = lower(character);
  return (small >= 'a' && small <= 'z') || is_digit(character) || character == '_' || character == '$' ||
         (static_cast<unsigned char>(character) & 0x80U) != 0;
}

class Scanner {
 public:
  Scanner(std::string_view sql, Spelling spelling) : sql_(sql), spelling_(spelling) {}

  std::vector<SqlToken> all() {
    std::vector<SqlToken> tokens;
    while (skip_space(), at_ < sql_.size()) {
      const std::size_t begin = at_;
      const Kind kind = take();
      at_ = std::min(at_, sql_.size());
      tokens.push_back({kind, sql_.substr(begin, at_ - begin), begin});
    }
    return tokens;
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }
  [[nodiscard]] bool sees(std::string_view text) const { return sql_.substr(at_, text.size()) == text; }

  void skip_to(std::string_view end) {
    const auto found = sql_.find(end, at_);
    at_ = found == std::string_view::npos ? sql_.size() : found + end.size();
  }

  /// PostgreSQL's lines may also end as they did on a Macintosh.
  void skip_line() {
    const auto found = sql_.find_first_of(spelling_ == Spelling::postgres ? "\r\n" : "\n", at_);
    at_ = found == std::string_view::npos ? sql_.size() : found + 1;
  }

  void skip_space() {
    for (;;) {
      while (at_ < sql_.size() && std::string_view(" \t\r\n\f\v").find(sql_[at_]) != std::string_view::npos) ++at_;
      // Cypher's other comment is spelled so; two hyphens are an edge there.
      if (sees(spelling_ == Spelling::cypher ? "//" : "--"))
        skip_line();
      else if (sees("/*"))
        at_ += 2, skip_to("*/");  // its own star ends no comment
      else
        return;
    }
  }

  Kind take() {
    const char first = peek();
    const bool cypher = spelling_ == Spelling::cypher;
    const bool postgres = spelling_ == Spelling::postgres;
    if (postgres && lower(first) == 'e' && peek(1) == '\'') return ++at_, take_quoted('\'', Kind::text, true);
    if (first == '\'') return take_quoted('\'', Kind::text, cypher);
    if (first == '"' || (first == '`' && !postgres)) return take_quoted(first, Kind::quoted, cypher && first == '"');
    if (first == '[' && spelling_ == Spelling::sqlite) return skip_to("]"), Kind::quoted;
    if (first == '$' && take_dollar_quoted()) return Kind::text;
    if (first == '?') return ++at_, skip_names(), Kind::parameter;
    if (is_digit(first) || (first == '.' && is_digit(peek(1)))) return take_number();
    if (!is_name(first)) return ++at_, Kind::symbol;
    skip_names();
    return Kind::word;
  }

  void skip_names() {
    while (at_ < sql_.size() && is_name(sql_[at_])) ++at_;
  }

  Kind take_quoted(char quote, Kind kind, bool escapes) {
    for (++at_; at_ < sql_.size(); ++at_) {
      if (escapes && sql_[at_] == '\\') {
        ++at_;
        continue;
      }
      if (sql_[at_] != quote) continue;
      if (peek(1) != quote) return ++at_, kind;
      ++at_;
    }
    return kind;
  }

  bool take_dollar_quoted() {
    std::size_t end = at_ + 1;
    while (end < sql_.size() && is_name(sql_[end]) && sql_[end] != '$') ++end;
    if (end >= sql_.size() || sql_[end] != '$' || is_digit(peek(1))) return false;
    const auto tag = sql_.substr(at_, end + 1 - at_);
    at_ = end + 1;
    skip_to(tag);
    return true;
  }

  Kind take_number() {
    while (at_ < sql_.size() && (is_name(sql_[at_]) || sql_[at_] == '.' ||
                                 ((sql_[at_] == '+' || sql_[at_] == '-') && lower(sql_[at_ - 1]) == 'e')))
      ++at_;
    return Kind::number;
  }

  std::string_view sql_;
  Spelling spelling_;
  std::size_t at_ = 0;
};

}  // namespace

bool SqlToken::is(std::string_view keyword) const {
  return kind == Kind::word && std::equal(text.begin(), text.end(), keyword.begin(), keyword.end(),
                                          [](char one, char small) { return lower(one) == small; });
}

std::string SqlToken::literal() const {
  std::string result;
  if (text.size() < 2) return result;
  const auto inner = text.substr(1, text.size() - 2);
  for (std::size_t i = 0; i < inner.size(); ++i) {
    result += inner[i];
    if (inner[i] == '\'') ++i;
  }
  return result;
}

std::vector<SqlToken> sql_tokens(std::string_view sql, Spelling spelling) {
  return Scanner(sql, spelling).all();
}

}  // namespace triune::federation
