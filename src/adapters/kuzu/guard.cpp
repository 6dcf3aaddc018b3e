#include "adapters/kuzu/guard.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "adapters/kuzu/kuzu_error.h"
#include "base/try.h"
#include "model/json.h"

namespace triune::adapters::kuzu {
namespace {

constexpr std::size_t longest_statement = 64U << 10U;
constexpr int deepest_nesting = 100;

struct Token {
  enum class Kind : std::uint8_t { word, name, text, mark };
  Kind kind = Kind::mark;
  std::string text;  // of words in upper case, of names without the backticks, of marks the character
};

// The blanks of Kuzu's grammar beyond ASCII, as UTF-8. One unknown here would hide a word from us and not from Kuzu.
constexpr std::array<std::string_view, 19> wide_blanks{
    "\u00a0", "\u1680", "\u180e", "\u2000", "\u2001", "\u2002", "\u2003", "\u2004", "\u2005", "\u2006",
    "\u2007", "\u2008", "\u2009", "\u200a", "\u2028", "\u2029", "\u202f", "\u205f", "\u3000"};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    while (true) {
      TRIUNE_TRY(skip_blanks());
      if (at_ == text_.size()) return tokens;
      TRIUNE_ASSIGN(auto token, next());
      tokens.push_back(std::move(token));
    }
  }

 private:
  static bool is_ascii_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f); }

  static bool is_ascii_word(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  }

  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }

  [[nodiscard]] std::size_t wide_blank_bytes() const {
    for (const auto blank : wide_blanks)
      if (rest().starts_with(blank)) return blank.size();
    return 0;
  }

  Status skip_blanks() {
    while (at_ < text_.size()) {
      if (is_ascii_blank(text_[at_])) {
        ++at_;
      } else if (const auto wide = wide_blank_bytes(); wide > 0) {
        at_ += wide;
      } else if (rest().starts_with("//")) {
        at_ = std::min(text_.find_first_of("\n\r", at_), text_.size());
      } else if (rest().starts_with("/*")) {
        const auto end = text_.find("*/", at_ + 2);
        if (end == std::string_view::npos) return unfinished("comment");
        at_ = end + 2;
      } else {
        return {};
      }
    }
    return {};
  }

  Result<Token> next() {
    const char c = text_[at_];
    if (c == '\'' || c == '"') return text_token(c);
    if (c == '`') return name_token();
    if (is_ascii_word(c) || static_cast<unsigned char>(c) >= 0x80) return word_token();
    ++at_;
    return Token{Token::Kind::mark, std::string(1, c)};
  }

  Result<Token> text_token(char quote) {
    for (auto i = at_ + 1; i < text_.size(); ++i) {
      if (text_[i] == '\\') {
        ++i;
      } else if (text_[i] == quote) {
        at_ = i + 1;
        return Token{Token::Kind::text, {}};
      }
    }
    return unfinished("string");
  }

  Result<Token> name_token() {
    const auto end = text_.find('`', at_ + 1);
    if (end == std::string_view::npos) return unfinished("name in backticks");
    Token token{Token::Kind::name, std::string(text_.substr(at_ + 1, end - at_ - 1))};
    at_ = end + 1;
    return token;
  }

  Result<Token> word_token() {
    const auto begin = at_;
    while (at_ < text_.size() && (is_ascii_word(text_[at_]) || static_cast<unsigned char>(text_[at_]) >= 0x80) &&
           wide_blank_bytes() == 0)
      ++at_;
    std::string word(text_.substr(begin, at_ - begin));
    std::transform(word.begin(), word.end(), word.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    return Token{Token::Kind::word, std::move(word)};
  }

  static std::unexpected<Error> unfinished(std::string_view what) {
    return kuzu_failure(ErrorCode::invalid_argument, fmt::format("the statement ends inside a {}", what));
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

template <std::size_t count>
bool among(const std::array<std::string_view, count>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Words that open what is not a question and not a change of the graph.
constexpr std::array<std::string_view, 15> forbidden_openings{"COPY",  "LOAD",   "INSTALL",  "UNINSTALL",  "UPDATE",
                                                              "FORCE", "EXPORT", "IMPORT",   "USE",        "ATTACH",
                                                              "BEGIN", "COMMIT", "ROLLBACK", "CHECKPOINT", "DETACH"};
constexpr std::array<std::string_view, 9> writing_words{"CREATE", "MERGE", "SET",     "DELETE", "DROP",
                                                        "ALTER",  "COPY",  "COMMENT", "NEXTVAL"};
constexpr std::array<std::string_view, 3> schema_openings{"CREATE", "ALTER", "DROP"};
// Procedures that only tell about the database.
constexpr std::array<std::string_view, 10> harmless_procedures{
    "SHOW_TABLES",    "SHOW_CONNECTION", "SHOW_FUNCTIONS", "SHOW_INDEXES", "SHOW_MACROS",
    "SHOW_SEQUENCES", "TABLE_INFO",      "DB_VERSION",     "STATS_INFO",   "CURRENT_SETTING"};

class Inspector {
 public:
  explicit Inspector(const std::vector<Token>& tokens) : tokens_(tokens) {}

  Result<Inspection> run() {
    TRIUNE_TRY(check_shape());
    std::size_t first = 0;
    const bool explained = is_word(0, "EXPLAIN") || is_word(0, "PROFILE");
    if (explained) first = is_word(1, "LOGICAL") ? 2 : 1;
    TRIUNE_TRY(check_opening(first));
    Inspection result;
    for (std::size_t i = first; i < tokens_.size(); ++i) {
      if (!is_keyword(i)) continue;
      TRIUNE_TRY(check_word(i));
      if (among(writing_words, tokens_[i].text)) result.may_write = true;
    }
    if (explained && result.may_write) return denied("EXPLAIN and PROFILE of a writing statement");
    result.changes_schema = first < tokens_.size() && among(schema_openings, tokens_[first].text);
    return result;
  }

 private:
  static std::unexpected<Error> denied(std::string_view what) {
    return kuzu_failure(ErrorCode::permission_denied, fmt::format("{} may not be used in a graph query", what));
  }

  [[nodiscard]] bool is_word(std::size_t i, std::string_view word) const {
    return i < tokens_.size() && tokens_[i].kind == Token::Kind::word && tokens_[i].text == word;
  }
  [[nodiscard]] bool is_mark(std::size_t i, char mark) const {
    return i < tokens_.size() && tokens_[i].kind == Token::Kind::mark && tokens_[i].text[0] == mark;
  }

  // A word that is not a property, label or parameter.
  [[nodiscard]] bool is_keyword(std::size_t i) const {
    if (tokens_[i].kind != Token::Kind::word) return false;
    return i == 0 || !(is_mark(i - 1, '.') || is_mark(i - 1, ':') || is_mark(i - 1, '$'));
  }

  // One statement, brackets not too deep.
  [[nodiscard]] Status check_shape() const {
    int depth = 0;
    for (std::size_t i = 0; i < tokens_.size(); ++i) {
      if (is_mark(i, ';') && i + 1 < tokens_.size())
        return kuzu_failure(ErrorCode::invalid_argument, "only one statement may be given; send them one by one");
      const bool opens = is_mark(i, '(') || is_mark(i, '[') || is_mark(i, '{') || is_word(i, "CASE");
      const bool closes = is_mark(i, ')') || is_mark(i, ']') || is_mark(i, '}') || is_word(i, "END");
      depth += opens ? 1 : closes ? -1 : 0;
      if (depth > deepest_nesting)
        return kuzu_failure(ErrorCode::invalid_argument,
                            fmt::format("brackets are nested deeper than {}; simplify the statement", deepest_nesting));
    }
    return {};
  }

  [[nodiscard]] Status check_opening(std::size_t first) const {
    if (first >= tokens_.size()) return kuzu_failure(ErrorCode::invalid_argument, "the statement is empty");
    if (tokens_[first].kind == Token::Kind::word && among(forbidden_openings, tokens_[first].text))
      return denied(tokens_[first].text);
    if (is_word(first, "CREATE") && is_word(first + 1, "MACRO")) return denied("CREATE MACRO");
    return {};
  }

  [[nodiscard]] Status check_word(std::size_t i) const {
    if (is_word(i, "LOAD") && (is_word(i + 1, "FROM") || (is_word(i + 1, "WITH") && is_word(i + 2, "HEADERS"))))
      return denied("LOAD FROM, which reads files of this machine,");
    return is_word(i, "CALL") ? check_call(i + 1) : Status();
  }

  [[nodiscard]] Status check_call(std::size_t name) const {
    if (name >= tokens_.size() || tokens_[name].kind == Token::Kind::mark) return {};  // a variable of that name
    if (is_mark(name + 1, '=')) return denied("CALL of a setting");
    if (!is_mark(name + 1, '(')) return {};
    auto procedure = tokens_[name].text;
    std::transform(procedure.begin(), procedure.end(), procedure.begin(),
                   [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
    if (among(harmless_procedures, procedure)) return {};
    return kuzu_failure(
        ErrorCode::permission_denied,
        fmt::format("the procedure {} may not be called in a graph query; for algorithms use analyze", procedure));
  }

  const std::vector<Token>& tokens_;
};

}  // namespace

Result<Inspection> inspect(std::string_view cypher) {
  if (cypher.size() > longest_statement)
    return kuzu_failure(ErrorCode::invalid_argument,
                        fmt::format("the statement has {} bytes, more than {}; pass data as parameters", cypher.size(),
                                    longest_statement));
  if (!model::is_storable_text(cypher))
    return kuzu_failure(ErrorCode::invalid_argument, "the statement is not UTF-8 text without NUL");
  TRIUNE_ASSIGN(const auto tokens, Lexer(cypher).run());
  return Inspector(tokens).run();
}

}  // namespace triune::adapters::kuzu
