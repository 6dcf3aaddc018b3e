// Values on their way from the server.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres/types.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::postgres {

/// Whether every column of the result has a type that `decode` reads in binary form.
bool all_binary(const PGresult* result);

std::vector<std::string> column_names(const PGresult* result);

/// One row. Errors: `conflict`, `safe` when a column came in a binary form that is unknown (its type changed since the
/// statement ran last); `internal` for bytes that are not of their type.
Status read_row(const PGresult* result, int row, std::vector<Value>& values);

/// One value that is not NULL. Times are ISO text, timestamptz in UTC, in both forms alike; numeric is an integer when
/// it has no fraction and fits, otherwise its exact decimal text; arrays are JSON.
Result<Value> decode(Type type, bool binary, std::string_view bytes);

}  // namespace triune::adapters::postgres
