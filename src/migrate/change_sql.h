// The statements of a change in both dialects.
#pragma once

#include <string>
#include <vector>

#include "migrate/change.h"

namespace triune::migrate {

/// The triggers that keep old and new in step, as scripts of Triune's own, named triune_change_….
std::string step_triggers(const ChangeDefinition& change, const std::vector<std::string>& key,
                          contract::Dialect dialect);
std::string drop_step_triggers(const ChangeDefinition& change, contract::Dialect dialect);

std::string add_column(const ChangeDefinition& change, const NewColumn& column);
std::string drop_column(const ChangeDefinition& change, const std::string& column);

/// "NEW" = (up), …, and "OLD" = (down), …
std::string forward_assignments(const ChangeDefinition& change);
std::string back_assignments(const ChangeDefinition& change);
/// Whether a row has no value in any new column, and whether an old column tells more than the way back would.
std::string is_unfilled(const ChangeDefinition& change);
std::string is_lossy(const ChangeDefinition& change, contract::Dialect dialect);

/// What makes a column NOT NULL, where every row has a value, and what takes that back. SQLite cannot change a column's
/// constraints without writing the table anew: there it is a pair of triggers of the user's.
std::vector<std::string> enforce_not_null(const ChangeDefinition& change, const NewColumn& column,
                                          contract::Dialect dialect);
std::vector<std::string> forget_not_null(const ChangeDefinition& change, const NewColumn& column,
                                         contract::Dialect dialect);
/// The name of the CHECK that lets PostgreSQL look at the rows without a lock that stops writers.
std::string presence_check(const ChangeDefinition& change, const NewColumn& column);

/// "a", "b" — quoted.
std::string key_list(const std::vector<std::string>& key);

/// Whether the expressions are expressions and nothing more, and read only what a user may. Errors: `invalid_argument`,
/// those of the engine.
Status check_expressions(contract::RelationalStore& store, const ChangeDefinition& change, Deadline deadline);

}  // namespace triune::migrate
