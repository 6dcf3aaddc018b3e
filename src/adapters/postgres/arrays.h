// PostgreSQL's arrays as JSON text.
#pragma once

#include <string_view>

#include "adapters/postgres/types.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::postgres {

/// `[1,null,[…]]`; bounds other than 1 are lost. A NaN or infinity, which JSON lacks, becomes its name as text.
Result<Value> array_from_binary(std::string_view bytes);
Result<Value> array_from_text(Type element, std::string_view text);

}  // namespace triune::adapters::postgres
