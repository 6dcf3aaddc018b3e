#include "modules/agents/canonical_json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <map>

#include "base/try.h"
#include "model/json.h"

namespace triune::modules::agents {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

void append(std::string& to, const element& value);

void append_object(std::string& to, const simdjson::dom::object& object) {
  std::map<std::string_view, element> sorted;
  for (const auto& member : object) sorted[member.key] = member.value;
  to += '{';
  bool first = true;
  for (const auto& [name, value] : sorted) {
    if (!first) to += ',';
    first = false;
    model::append_json_string(to, name);
    to += ':';
    append(to, value);
  }
  to += '}';
}

void append_array(std::string& to, const simdjson::dom::array& array) {
  to += '[';
  bool first = true;
  for (const auto& value : array) {
    if (!first) to += ',';
    first = false;
    append(to, value);
  }
  to += ']';
}

/// The parser bounds how deep documents are nested.
void append(std::string& to, const element& value) {
  switch (value.type()) {
    case element_type::OBJECT: return append_object(to, value.get_object().value_unsafe());
    case element_type::ARRAY: return append_array(to, value.get_array().value_unsafe());
    case element_type::STRING: return model::append_json_string(to, value.get_string().value_unsafe());
    case element_type::INT64: to += std::to_string(value.get_int64().value_unsafe()); return;
    case element_type::UINT64: to += std::to_string(value.get_uint64().value_unsafe()); return;
    case element_type::DOUBLE: to += to_json(Value(value.get_double().value_unsafe())); return;
    case element_type::BOOL: to += value.get_bool().value_unsafe() ? "true" : "false"; return;
    default: to += "null";
  }
}

}  // namespace

Result<std::string> canonical_json(std::string_view text) {
  simdjson::dom::parser parser;
  element document;
  const auto error = parser.parse(text.data(), text.size()).get(document);
  if (error != simdjson::SUCCESS)
    return failure(ErrorCode::invalid_argument, fmt::format("this is no JSON: {}", simdjson::error_message(error)));
  std::string canonical;
  canonical.reserve(text.size());
  append(canonical, document);
  if (!model::is_storable_text(canonical))
    return failure(ErrorCode::invalid_argument, "the JSON holds a NUL, which no engine can keep");
  return canonical;
}

}  // namespace triune::modules::agents
