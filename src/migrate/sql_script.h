// A migration's text, cut into statements and words: enough to run it statement by statement, and to judge it.
//
// A comment `-- triune: allow RULE reason` speaks for the statement that follows it; `-- triune: no-transaction` for
// the whole text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/dialect.h"
#include "triune/status.h"

namespace triune::migrate {

struct Word {
  enum class Kind : std::uint8_t {
    name,    ///< Keyword, or a name without quotes.
    quoted,  ///< A name in quotes.
    text,    ///< A literal of any form.
    number,
    symbol,  ///< One character that is none of the above.
  };
  Kind kind = Kind::symbol;
  std::string_view text;
  std::uint32_t line = 1;

  /// Whether it is this keyword or symbol, given in small letters.
  [[nodiscard]] bool is(std::string_view wanted) const;
  /// The name it is, in small letters and without quotes; empty for what is no name.
  [[nodiscard]] std::string name() const;
};

/// A finding that its author knows of and takes.
struct Allowance {
  std::string rule;
  std::string reason;
  std::uint32_t line = 0;
};

struct ScriptStatement {
  std::string_view text;  ///< Without the semicolon at its end.
  std::uint32_t line = 1;
  std::vector<Word> words;
  std::vector<Allowance> allowances;

  /// Whether the words from `at` on are these keywords or symbols, separated by single blanks.
  [[nodiscard]] bool has(std::size_t at, std::string_view keywords) const;
  /// Where such a run of words begins, from `from` on; `words.size()` when there is none.
  [[nodiscard]] std::size_t find(std::string_view keywords, std::size_t from = 0) const;
  [[nodiscard]] bool contains(std::string_view keywords) const { return find(keywords) < words.size(); }
};

/// Refers to the text it was made from.
struct Script {
  std::vector<ScriptStatement> statements;
  bool in_transaction = true;
};

/// Errors: `invalid_argument` with the line of a quote or comment that never ends, or of a directive that is none.
Result<Script> parse_script(std::string_view sql, contract::Dialect dialect);

}  // namespace triune::migrate
