// The words of an SQL text, as PostgreSQL's scanner would cut it: enough to find parameters, ends of statements and
// names, without a grammar.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace triune::adapters::postgres {

struct Token {
  enum class Kind : unsigned char {
    word,       ///< Keyword or name without quotes.
    quoted,     ///< Name in double quotes.
    text,       ///< String literal of any form.
    number,     ///< Number literal.
    parameter,  ///< `?1`
    symbol,     ///< One character that is none of the above.
    separator,  ///< `;`
    broken,     ///< A quote or comment that never ends, or a `$1`: what follows cannot be judged.
  };
  Kind kind;
  std::string_view text;
  std::size_t offset;  ///< Of its first byte in the whole text.

  /// Whether it is this keyword, given in small letters.
  [[nodiscard]] bool is(std::string_view keyword) const;
  [[nodiscard]] bool is_symbol(char character) const { return kind == Kind::symbol && text[0] == character; }
  /// The name it is for PostgreSQL: folded, or without its quotes. Empty for what is no name.
  [[nodiscard]] std::string name() const;
};

/// Comments and white space are left out.
std::vector<Token> tokens_of(std::string_view sql);

}  // namespace triune::adapters::postgres
