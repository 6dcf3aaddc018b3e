// Statements for a canonical store that cannot call us: what the engines answer is bound into them as typed sets.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "federation/query.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::federation {

struct BoundStatement {
  std::string sql;
  std::vector<Value> parameters;
};

/// `sql` for PostgreSQL with every call replaced by the rows of its answer, one document for each, which comes behind
/// `parameters`. Arguments are what `session` makes of them without any table; `unsupported` for those that come from
/// an outer row. Each call is counted in `query` at the place of its order in the text, from `first_place` on.
Result<BoundStatement> bind_calls(std::string_view sql, std::span<const Value> parameters, Query& query,
                                  contract::RelationalSession& session, int first_place = 1);

/// `sql` with `by` added to the number of each parameter.
std::string shift_parameters(std::string_view sql, std::size_t by);

}  // namespace triune::federation
