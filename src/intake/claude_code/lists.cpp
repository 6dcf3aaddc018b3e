#include "intake/claude_code/lists.h"

#include "intake/claude_code/json_access.h"
#include "model/json.h"

namespace triune::intake::claude {

std::vector<std::string> list_of_json(std::string_view json) {
  std::vector<std::string> list;
  simdjson::dom::parser parser;
  JsonArray array;
  if (json.empty() || parser.parse(json.data(), json.size(), true).get(array) != simdjson::SUCCESS) return list;
  for (const auto element : array) {
    std::string_view text;
    if (element.get(text) == simdjson::SUCCESS) list.emplace_back(text);
  }
  return list;
}

std::string json_of_list(const std::vector<std::string>& list) {
  std::string json = "[";
  for (const auto& text : list) {
    if (json.size() > 1) json += ',';
    model::append_json_string(json, text);
  }
  return json + "]";
}

}  // namespace triune::intake::claude
