// A statement of SQL without its values. Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contract/dialect.h"

namespace triune::hive {

/// The statement with `?` in the place of every literal and parameter, without comments, lists after IN as one `?`.
/// Empty when it cannot be told for sure what is a literal: then nothing may be kept of it.
std::string statement_shape(contract::Dialect dialect, std::string_view statement);

/// What one `?` of a shape is compared with: `table.column = ?` or `column IN (?)`.
struct ShapeValue {
  std::string qualifier;  ///< Table or alias; empty: none was given.
  std::string column;     ///< Empty: something else, such as a LIMIT.
  bool is_limit = false;  ///< After LIMIT or OFFSET.
  std::string operation;  ///< "=", "in", "<", "like", ….
};

/// Two columns that are compared with each other.
struct ShapeJoin {
  std::string left_qualifier;
  std::string left_column;
  std::string right_qualifier;
  std::string right_column;
};

/// A table that a shape reads, by the name it has there.
struct ShapeTable {
  std::string table;
  std::string alias;  ///< The table's own name when none was given.
};

/// What can be told of a shape by its words.
struct ShapeParts {
  std::vector<ShapeTable> tables;
  std::vector<ShapeValue> values;  ///< In the order of the `?`.
  std::vector<ShapeJoin> joins;
  bool recursive = false;
  bool unsure = false;  ///< Something that words cannot tell: values of it may be guessed wrong.
};
ShapeParts parts_of_shape(contract::Dialect dialect, std::string_view shape);

/// The shape with `?1`, `?2`, … for `?`, to be run.
std::string numbered(contract::Dialect dialect, std::string_view shape);

}  // namespace triune::hive
