// The words of a statement, of SQLite, PostgreSQL or Cypher: enough to find calls in it, not to judge it.
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

/// Whose spelling it is: brackets and backticks quote names in SQLite; texts know backslashes in Cypher, and in
/// PostgreSQL behind an E; a comment begins with two hyphens, which are an edge in Cypher, or there with two slashes.
enum class Spelling : std::uint8_t { sqlite, postgres, cypher };

/// Comments and white space are left out. A quote that never ends takes the rest; whoever runs the statement complains.
/// The tokens point into `sql`.
std::vector<SqlToken> sql_tokens(std::string_view sql, Spelling spelling = Spelling::sqlite);

}  // namespace triune::federation
