// The columns of a Cypher query, known before it runs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"

namespace triune::federation {

/// The names in the query's last RETURN: an alias, or the expression as it is written. A name that occurs again gets
/// a number ("a.id:2"). Errors: `invalid_argument` without a RETURN, and for `RETURN *`, whose columns nobody knows.
Result<std::vector<std::string>> cypher_columns(std::string_view query);

}  // namespace triune::federation
