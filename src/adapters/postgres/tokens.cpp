#include "adapters/postgres/tokens.h"

#include <algorithm>

namespace triune::adapters::postgres {
namespace {

bool is_space(char character) {
  return character == ' ' || (character >= '\t' && character <= '\r');
}
bool is_digit(char character) {
  return character >= '0' && character <= '9';
}
bool starts_name(char character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character == '_' ||
         (static_cast<unsigned char>(character) & 0x80U) != 0;
}
bool continues_name(char character) {
  return starts_name(character) || is_digit(character) || character == '$';
}
char lower(char character) {
  return character >= 'A' && character <= 'Z' ? static_cast<char>(character - 'A' + 'a') : character;
}

class Scanner {
 public:
  explicit Scanner(std::string_view sql) : sql_(sql) {}

  std::vector<Token> scan() {
    while (skip_space()) {
      const std::size_t start = at_;
      const Token::Kind kind = next();
      tokens_.push_back({kind, sql_.substr(start, at_ - start), start});
    }
    if (broken_) tokens_.push_back({Token::Kind::broken, sql_.substr(sql_.size()), sql_.size()});
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] char peek(std::size_t ahead = 0) const { return at_ + ahead < sql_.size() ? sql_[at_ + ahead] : '\0'; }

  /// Whether there is anything left.
  bool skip_space() {
    while (at_ < sql_.size()) {
      if (is_space(peek())) {
        ++at_;
      } else if (peek() == '-' && peek(1) == '-') {
        at_ = std::min(sql_.find_first_of("\n\r", at_), sql_.size());
      } else if (peek() == '/' && peek(1) == '*') {
        skip_comment();
      } else {
        return true;
      }
    }
    return false;
  }

  void skip_comment() {
    int depth = 0;
    do {
      if (peek() == '/' && peek(1) == '*') {
        ++depth;
        at_ += 2;
      } else if (peek() == '*' && peek(1) == '/') {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    } while (depth > 0 && at_ < sql_.size());
    broken_ = broken_ || depth > 0;
  }

  Token::Kind next() {
    const char first = peek();
    const char second = lower(first);
    if (first == '\'') return quoted('\'', false);
    if (first == '"') return quoted('"', false);
    if ((second == 'e' || second == 'b' || second == 'x' || second == 'n') && peek(1) == '\'') {
      ++at_;
      return quoted('\'', second == 'e');
    }
    if (second == 'u' && peek(1) == '&' && (peek(2) == '\'' || peek(2) == '"')) {
      at_ += 2;
      return quoted(peek(), false);
    }
    if (starts_name(first)) return run(Token::Kind::word, continues_name);
    if (is_digit(first) || (first == '.' && is_digit(peek(1)))) return number();
    if (first == '$') return dollar();
    if (first == '?' && is_digit(peek(1))) {
      ++at_;
      return run(Token::Kind::parameter, is_digit);
    }
    ++at_;
    return first == ';' ? Token::Kind::separator : Token::Kind::symbol;
  }

  Token::Kind run(Token::Kind kind, bool (*belongs)(char)) {
    while (at_ < sql_.size() && belongs(sql_[at_])) ++at_;
    return kind;
  }

  Token::Kind number() {
    const auto belongs = [](char character) { return continues_name(character) || character == '.'; };
    while (at_ < sql_.size()) {
      if ((lower(peek()) == 'e') && (peek(1) == '+' || peek(1) == '-') && is_digit(peek(2))) at_ += 2;
      if (!belongs(peek())) break;
      ++at_;
    }
    return Token::Kind::number;
  }

  Token::Kind quoted(char quote, bool escapes) {
    ++at_;
    while (at_ < sql_.size()) {
      if (escapes && peek() == '\\') {
        at_ += 2;
      } else if (peek() != quote) {
        ++at_;
      } else if (peek(1) == quote) {
        at_ += 2;
      } else {
        ++at_;
        return quote == '"' ? Token::Kind::quoted : Token::Kind::text;
      }
    }
    return fail();
  }

  Token::Kind dollar() {
    std::size_t end = at_ + 1;
    if (end < sql_.size() && starts_name(sql_[end]))
      while (end < sql_.size() && continues_name(sql_[end]) && sql_[end] != '$') ++end;
    if (end >= sql_.size() || sql_[end] != '$') return dollar_parameter();
    const std::string_view tag = sql_.substr(at_, end + 1 - at_);
    const std::size_t close = sql_.find(tag, end + 1);
    if (close == std::string_view::npos) return fail();
    at_ = close + tag.size();
    return Token::Kind::text;
  }

  Token::Kind dollar_parameter() {
    ++at_;
    if (!is_digit(peek())) return Token::Kind::symbol;
    run(Token::Kind::broken, is_digit);
    return Token::Kind::broken;
  }

  Token::Kind fail() {
    at_ = sql_.size();
    return Token::Kind::broken;
  }

  const std::string_view sql_;
  std::size_t at_ = 0;
  bool broken_ = false;
  std::vector<Token> tokens_;
};

}  // namespace

bool Token::is(std::string_view keyword) const {
  return kind == Kind::word && text.size() == keyword.size() &&
         std::equal(text.begin(), text.end(), keyword.begin(),
                    [](char one, char small) { return lower(one) == small; });
}

std::string Token::name() const {
  std::string result;
  if (kind == Kind::word) {
    for (const char character : text) result += lower(character);
  } else if (kind == Kind::quoted && text.front() == '"') {
    for (std::size_t at = 1; at + 1 < text.size(); ++at) {
      result += text[at];
      if (text[at] == '"') ++at;
    }
  }
  return result;
}

std::vector<Token> tokens_of(std::string_view sql) {
  return Scanner(sql).scan();
}

}  // namespace triune::adapters::postgres
