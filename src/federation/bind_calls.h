// Statements for a canonical store that cannot call us: what the engines answer is bound into them as typed sets.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "federation/postgres_statement.h"
#include "federation/query.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::federation {

struct BoundStatement {
  std::string sql;
  std::vector<Value> parameters;
};

/// `sql` for PostgreSQL, one SELECT, with every call replaced by the rows of its answer, a document that is a
/// parameter. Arguments that name columns of the statement are asked first, all distinct combinations in one question,
/// and answered one by one; the others are what `session` makes of them. Each call is counted in `query` at the place
/// of its order in the text, from `first_place` on. Errors: those of `PostgresStatement::parse`; `unsupported` for
/// arguments from rows that cannot be asked first, and in a predicate; `resource_exhausted` beyond 10,000 combinations
/// or a million rows.
Result<BoundStatement> bind_calls(std::string_view sql, std::span<const Value> parameters, Query& query,
                                  contract::RelationalSession& session, int first_place = 1,
                                  PostgresStatement::Text text = PostgresStatement::Text::statement);

/// `sql` with `by` added to the number of each parameter.
std::string shift_parameters(std::string_view sql, std::size_t by);

}  // namespace triune::federation
