#include "migrate/sql_script.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/try.h"

namespace triune::migrate {
namespace {

using contract::Dialect;

char small(char letter) {
  return static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
}

bool starts_name(char letter) {
  return std::isalpha(static_cast<unsigned char>(letter)) != 0 || letter == '_' || (letter & '\x80') != 0;
}

bool continues_name(char letter) {
  return starts_name(letter) || std::isdigit(static_cast<unsigned char>(letter)) != 0 || letter == '$';
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string_view next_part(std::string_view& rest) {
  rest = trimmed(rest);
  const auto end = std::min(rest.find_first_of(" \t"), rest.size());
  const auto part = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return part;
}

/// Knows when a semicolon ends a statement: not within the body of a trigger or of a function in standard SQL.
class BodyCounter {
 public:
  explicit BodyCounter(Dialect dialect) : dialect_(dialect) {}

  void add(const Word& word) {
    if (word.kind != Word::Kind::name) return;
    ++words_;
    if (words_ == 1) creates_ = word.is("create");
    if (creates_ && words_ <= 4 && word.is("trigger")) trigger_ = true;
    const bool begins = dialect_ == Dialect::sqlite ? trigger_ && depth_ == 0 && word.is("begin")
                                                    : creates_ && previous_begin_ && word.is("atomic");
    if (begins || (depth_ > 0 && word.is("case")))
      ++depth_;
    else if (depth_ > 0 && word.is("end"))
      --depth_;
    previous_begin_ = word.is("begin");
  }
  [[nodiscard]] bool inside() const { return depth_ > 0; }
  void reset() { *this = BodyCounter(dialect_); }

 private:
  Dialect dialect_;
  int words_ = 0;
  int depth_ = 0;
  bool creates_ = false;
  bool trigger_ = false;
  bool previous_begin_ = false;
};

class Scanner {
 public:
  Scanner(std::string_view sql, Dialect dialect) : sql_(sql), dialect_(dialect), body_(dialect) {}

  Result<Script> scan() {
    while (at_ < sql_.size()) TRIUNE_TRY(step());
    finish(sql_.size());
    if (!pending_.empty())
      return refuse(pending_.front().line,
                    "this allowance is followed by no statement; put it before the one it is for");
    return std::move(script_);
  }

 private:
  static std::unexpected<Error> refuse(std::uint32_t line, std::string_view what) {
    return failure(ErrorCode::invalid_argument, fmt::format("line {}: {}", line, what));
  }

  Status step() {
    const char letter = sql_[at_];
    if (letter == '\n') ++line_;
    if (std::isspace(static_cast<unsigned char>(letter)) != 0) {
      ++at_;
      return {};
    }
    if (starts("--")) return line_comment();
    if (starts("/*")) return block_comment();
    if (letter == '\'') return quoted(Word::Kind::text, '\'', false);
    if (letter == '"') return quoted(Word::Kind::quoted, '"', false);
    if (dialect_ == Dialect::sqlite && letter == '`') return quoted(Word::Kind::quoted, '`', false);
    if (dialect_ == Dialect::sqlite && letter == '[') return quoted(Word::Kind::quoted, ']', false);
    if (dialect_ == Dialect::postgres && letter == '$') return dollar_quoted();
    if (starts_name(letter)) return name();
    if (std::isdigit(static_cast<unsigned char>(letter)) != 0) return number();
    if (letter == ';' && !body_.inside()) {
      finish(at_);
      ++at_;
      return {};
    }
    add(Word::Kind::symbol, at_ + 1);
    return {};
  }

  [[nodiscard]] bool starts(std::string_view text) const { return sql_.substr(at_).starts_with(text); }

  void add(Word::Kind kind, std::size_t end) {
    if (current_.words.empty()) {
      begin_ = at_;
      current_.line = line_;
      current_.allowances = std::move(pending_);
      pending_.clear();
    }
    current_.words.push_back({kind, sql_.substr(at_, end - at_), line_});
    body_.add(current_.words.back());
    line_ += static_cast<std::uint32_t>(std::count(sql_.begin() + static_cast<std::ptrdiff_t>(at_),
                                                   sql_.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
    at_ = end;
  }

  void finish(std::size_t end) {
    body_.reset();
    if (current_.words.empty()) return;
    current_.text = trimmed(sql_.substr(begin_, end - begin_));
    script_.statements.push_back(std::move(current_));
    current_ = {};
  }

  Status line_comment() {
    const auto end = std::min(sql_.find('\n', at_), sql_.size());
    const auto comment = trimmed(sql_.substr(at_ + 2, end - at_ - 2));
    at_ = end;
    constexpr std::string_view mark = "triune:";
    return comment.starts_with(mark) ? directive(trimmed(comment.substr(mark.size()))) : Status();
  }

  Status directive(std::string_view text) {
    if (text == "no-transaction") {
      script_.in_transaction = false;
      return {};
    }
    auto rest = text;
    if (next_part(rest) != "allow")
      return refuse(line_,
                    fmt::format("'{}' is no directive; there are `allow RULE reason` and `no-transaction`", text));
    const auto rule = next_part(rest);
    if (rule.empty() || rest.empty()) return refuse(line_, "write `-- triune: allow RULE reason`, with the reason");
    auto& to = current_.words.empty() ? pending_ : current_.allowances;
    to.push_back({std::string(rule), std::string(rest), line_});
    return {};
  }

  /// They nest in PostgreSQL.
  Status block_comment() {
    const auto line = line_;
    int depth = 0;
    do {
      if (at_ >= sql_.size()) return refuse(line, "a comment begins here and never ends");
      if (starts("/*") && (depth == 0 || dialect_ == Dialect::postgres)) {
        ++depth;
        at_ += 2;
      } else if (starts("*/")) {
        --depth;
        at_ += 2;
      } else {
        if (sql_[at_] == '\n') ++line_;
        ++at_;
      }
    } while (depth > 0);
    return {};
  }

  Status quoted(Word::Kind kind, char quote, bool escapes) {
    for (std::size_t end = at_ + 1; end < sql_.size(); ++end) {
      if (escapes && sql_[end] == '\\') {
        ++end;
        continue;
      }
      if (sql_[end] != quote) continue;
      if (quote != ']' && end + 1 < sql_.size() && sql_[end + 1] == quote) {
        ++end;
        continue;
      }
      add(kind, end + 1);
      return {};
    }
    return refuse(line_, fmt::format("a quote ({}) begins here and never ends", quote));
  }

  Status dollar_quoted() {
    auto tag_end = at_ + 1;
    while (tag_end < sql_.size() && sql_[tag_end] != '$' && continues_name(sql_[tag_end])) ++tag_end;
    if (tag_end >= sql_.size() || sql_[tag_end] != '$') {
      add(Word::Kind::symbol, at_ + 1);
      return {};
    }
    const auto tag = sql_.substr(at_, tag_end + 1 - at_);
    const auto end = sql_.find(tag, tag_end + 1);
    if (end == std::string_view::npos)
      return refuse(line_, fmt::format("the quote {} begins here and never ends", tag));
    add(Word::Kind::text, end + tag.size());
    return {};
  }

  Status name() {
    auto end = at_ + 1;
    while (end < sql_.size() && continues_name(sql_[end])) ++end;
    const bool prefix = end == at_ + 1 && end < sql_.size() && sql_[end] == '\'';
    if (prefix && dialect_ == Dialect::postgres && small(sql_[at_]) == 'e') {
      ++at_;
      return quoted(Word::Kind::text, '\'', true);
    }
    add(Word::Kind::name, end);
    return {};
  }

  Status number() {
    auto end = at_ + 1;
    while (end < sql_.size() && (continues_name(sql_[end]) || sql_[end] == '.')) ++end;
    add(Word::Kind::number, end);
    return {};
  }

  std::string_view sql_;
  Dialect dialect_;
  BodyCounter body_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;
  std::uint32_t line_ = 1;
  Script script_;
  ScriptStatement current_;
  std::vector<Allowance> pending_;
};

}  // namespace

bool Word::is(std::string_view wanted) const {
  return (kind == Kind::name || kind == Kind::symbol) &&
         std::equal(text.begin(), text.end(), wanted.begin(), wanted.end(),
                    [](char one, char other) { return small(one) == other; });
}

std::string Word::name() const {
  if (kind != Kind::name && kind != Kind::quoted) return {};
  std::string result(kind == Kind::quoted ? text.substr(1, text.size() - 2) : text);
  std::transform(result.begin(), result.end(), result.begin(), small);
  return result;
}

bool ScriptStatement::has(std::size_t at, std::string_view keywords) const {
  while (!keywords.empty()) {
    const auto end = std::min(keywords.find(' '), keywords.size());
    if (at >= words.size() || !words[at].is(keywords.substr(0, end))) return false;
    keywords.remove_prefix(std::min(end + 1, keywords.size()));
    ++at;
  }
  return true;
}

std::size_t ScriptStatement::find(std::string_view keywords, std::size_t from) const {
  for (std::size_t at = from; at < words.size(); ++at)
    if (has(at, keywords)) return at;
  return words.size();
}

Result<Script> parse_script(std::string_view sql, Dialect dialect) {
  return Scanner(sql, dialect).scan();
}

}  // namespace triune::migrate
