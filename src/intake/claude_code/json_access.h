// Reading members of parsed JSON. For the .cpp files of this folder: no other header shows simdjson.
#pragma once

#include <simdjson.h>

#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "intake/claude_code/record.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {

using JsonElement = simdjson::dom::element;
using JsonObject = simdjson::dom::object;
using JsonArray = simdjson::dom::array;

inline std::optional<JsonElement> member(JsonObject object, std::string_view name) {
  JsonElement element;
  if (object[name].get(element) != simdjson::SUCCESS) return std::nullopt;
  return element;
}

inline std::optional<JsonObject> object_member(JsonObject object, std::string_view name) {
  JsonObject found;
  if (object[name].get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

inline std::optional<JsonArray> array_member(JsonObject object, std::string_view name) {
  JsonArray found;
  if (object[name].get(found) != simdjson::SUCCESS) return std::nullopt;
  return found;
}

/// The text of a member, storable; empty when it is absent or no string.
inline std::string text_member(JsonObject object, std::string_view name) {
  std::string_view text;
  if (object[name].get(text) != simdjson::SUCCESS) return {};
  return without_nul(text);
}

inline bool flag_member(JsonObject object, std::string_view name) {
  bool flag = false;
  return object[name].get(flag) == simdjson::SUCCESS && flag;
}

inline std::optional<std::int64_t> integer_member(JsonObject object, std::string_view name) {
  double number = 0;
  std::int64_t integer = 0;
  if (object[name].get(integer) == simdjson::SUCCESS) return integer;
  if (object[name].get(number) == simdjson::SUCCESS && std::abs(number) < 9e18) return std::llround(number);
  return std::nullopt;
}

/// A time given as ISO text or as milliseconds; empty when there is none.
inline std::string time_member(JsonObject object, std::string_view name) {
  double number = 0;
  if (object[name].get(number) == simdjson::SUCCESS) return time_of_milliseconds(number).value_or("");
  return normalised_time(text_member(object, name)).value_or("");
}

/// The blocks of `content`, a string or an array; nothing for any other JSON.
std::optional<std::vector<Block>> parse_blocks(JsonElement content);

/// What `toolUseResult` holds, an object, a string or an array.
ToolOutcome parse_outcome(JsonElement result);

}  // namespace triune::intake::claude
