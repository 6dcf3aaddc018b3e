// PostgreSQL's binary numeric.
#pragma once

#include <string>
#include <string_view>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::postgres {

/// The exact decimal text that the server itself writes, NaN and Infinity included.
Result<std::string> numeric_text(std::string_view bytes);

/// An integer when the text has no fraction and fits 64 bits, else the text.
Value integer_or_text(std::string text);

}  // namespace triune::adapters::postgres
