// Pieces of SQL text. Values are bound, never spliced; only identifiers go through here.
#pragma once

#include <string>
#include <string_view>

namespace triune::model {

/// `name` as an SQL identifier in double quotes, quotes inside doubled. Works for SQLite and PostgreSQL.
std::string quote_identifier(std::string_view name);

/// `text` as an SQL string literal, for the places where the grammar takes no parameter (trigger bodies).
std::string quote_literal(std::string_view text);

}  // namespace triune::model
