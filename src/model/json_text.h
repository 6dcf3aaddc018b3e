// Repairs of text that is nearly JSON or UTF-8, for json.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace triune::model {

/// `text` with each byte that is not part of valid UTF-8 replaced by U+FFFD.
std::string repair_utf8(std::string_view text);

/// JSON text with what the parser refuses although other writers produce it put into a form that it takes: integers of
/// more than 19 digits get an exponent, escapes of half a surrogate pair become U+FFFD. Nothing when there is neither.
std::optional<std::string> mend_json(std::string_view text);

}  // namespace triune::model
