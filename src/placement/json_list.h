// Lists in JSON text. Pure functions.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::placement {

/// The elements of a JSON array that `model::parse_json` returned, so minified; those that are arrays or objects
/// themselves as `Json`. Error: `invalid_argument` when it is none.
Result<std::vector<Value>> json_elements(const Value& array);

/// Texts as a JSON array, and back.
std::string json_texts(std::span<const std::string> texts);
Result<std::vector<std::string>> texts_in(const Value& array);

}  // namespace triune::placement
