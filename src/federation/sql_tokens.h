// The words of an SQL statement, of SQLite or PostgreSQL: enough to find calls in it, not to judge it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace triune::federation {

struct SqlToken {
  enum class Kind : std::uint8_t {
    word,       ///< Keyword or name without quotes.
    quoted,     ///< Name in quotes of any kind.
    text,       ///< String literal.
    number,     ///< Number literal.
    parameter,  ///< `?1`
    symbol,     ///< One character that is none of the above.
  };
  Kind kind = Kind::symbol;
  std::string_view text;
  std::size_t offset = 0;  ///< Of its first byte in the statement.

  [[nodiscard]] std::size_t end() const { return offset + text.size(); }
  /// Whether it is this keyword, given in small letters.
  [[nodiscard]] bool is(std::string_view keyword) const;
  [[nodiscard]] bool is_symbol(char character) const { return kind == Kind::symbol && text[0] == character; }
  /// What a string literal 'like ''this''' says.
  [[nodiscard]] std::string literal() const;
};

/// Whether brackets quote a name, as in SQLite, or are symbols, as in Cypher, which else is spelled alike.
enum class Brackets : std::uint8_t { quote, symbols };

/// Comments and white space are left out. A quote that never ends takes the rest; whoever runs the statement complains.
/// The tokens point into `sql`.
std::vector<SqlToken> sql_tokens(std::string_view sql, Brackets brackets = Brackets::quote);

}  // namespace triune::federation
