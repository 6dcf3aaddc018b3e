// Which rows a call's arguments come from, where they name columns of the statement: the part of it that is asked
// first.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "federation/function_calls.h"
#include "federation/postgres_statement.h"
#include "federation/sql_tokens.h"

namespace triune::federation {

/// Ranges of the statement. `SELECT … FROM from, … WHERE (where) AND …` has at least the rows for which the call is
/// made.
struct OuterRows {
  std::optional<TextRange> with;
  std::vector<TextRange> from;
  std::vector<TextRange> where;
};

/// What stands before the call in its FROM, and what the SELECTs around it select from, as far as `columns`, those of
/// the arguments, or anything that is taken refers to it; and the conditions that AND joins and that name nothing else
/// and call nothing. `call` is one of `calls`. Nothing when it stands where its rows cannot be told, as in parentheses
/// within FROM.
std::optional<OuterRows> outer_rows(const std::vector<SqlToken>& tokens, const PostgresStatement& statement,
                                    std::span<const FunctionCall> calls, const FunctionCall& call,
                                    std::span<const ColumnUse* const> columns);

}  // namespace triune::federation
