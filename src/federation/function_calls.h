// Where a statement calls functions that return tables.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "federation/sql_tokens.h"

namespace triune::federation {

/// `name(argument, …)` where a table may stand. The tokens point into the statement.
struct FunctionCall {
  std::string name;                              ///< In small letters.
  std::size_t begin = 0;                         ///< Of the name in the statement.
  std::size_t end = 0;                           ///< Behind the closing parenthesis.
  std::vector<std::vector<SqlToken>> arguments;  ///< Each with the tokens it consists of.
  bool stands_as_set = false;                    ///< Right of IN, where there is no name for the table.
  bool has_alias = false;                        ///< A name for the table follows.
};

/// The calls of functions called `names`, outermost ones only, in their order. A table, a column or a text of such a
/// name is no call.
std::vector<FunctionCall> find_calls(std::string_view sql, std::span<const std::string_view> names,
                                     Spelling spelling = Spelling::sqlite);

}  // namespace triune::federation
