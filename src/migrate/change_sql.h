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

std::string add_column(const ChangeDefinition& change);
std::string drop_column(const ChangeDefinition& change, const std::string& column);

/// "a", "b" — quoted.
std::string key_list(const std::vector<std::string>& key);

/// Whether the expressions are expressions and nothing more, and read only what a user may. Errors: `invalid_argument`,
/// those of the engine.
Status check_expressions(contract::RelationalStore& store, const ChangeDefinition& change, Deadline deadline);

}  // namespace triune::migrate
