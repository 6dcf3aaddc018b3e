// A JSON document as a tree, for files that people read and edit.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "triune/status.h"

namespace triune::intake::legacy {

struct JsonTree {
  using Array = std::vector<JsonTree>;
  using Object = std::vector<std::pair<std::string, JsonTree>>;  ///< In the order of the file.
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value;
};

/// `invalid_argument` for text that is no JSON, and for a name that an object has twice.
Result<JsonTree> parse_json_tree(std::string_view text);

/// With one member a line and lists of plain values on one line, ending in a line break.
std::string to_text(const JsonTree& tree);

}  // namespace triune::intake::legacy
