#include "placement/json_list.h"

#include "base/try.h"
#include "model/json.h"

namespace triune::placement {
namespace {

/// Where the first element of `rest` ends.
std::size_t end_of_element(std::string_view rest) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    const char each = rest[i];
    if (quoted && each == '\\')
      ++i;
    else if (each == '"')
      quoted = !quoted;
    else if (!quoted && (each == '{' || each == '['))
      ++depth;
    else if (!quoted && (each == '}' || each == ']'))
      --depth;
    else if (!quoted && depth == 0 && each == ',')
      return i;
  }
  return rest.size();
}

}  // namespace

Result<std::vector<Value>> json_elements(const Value& array) {
  const auto* const json = std::get_if<Json>(&array);
  if (json == nullptr || !json->text.starts_with('[') || !json->text.ends_with(']'))
    return failure(ErrorCode::invalid_argument, "a JSON array is wanted");
  std::vector<Value> elements;
  auto rest = std::string_view(json->text).substr(1, json->text.size() - 2);
  while (!rest.empty()) {
    const auto end = end_of_element(rest);
    TRIUNE_ASSIGN(auto value, model::parse_json(rest.substr(0, end)));
    elements.push_back(std::move(value));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return elements;
}

std::string json_texts(std::span<const std::string> texts) {
  std::string json = "[";
  for (const auto& text : texts) json += (json.size() > 1 ? "," : "") + model::json_string(text);
  return json + "]";
}

Result<std::vector<std::string>> texts_in(const Value& array) {
  TRIUNE_ASSIGN(auto elements, json_elements(array));
  std::vector<std::string> texts;
  for (auto& element : elements) {
    auto* const text = std::get_if<std::string>(&element);
    if (text == nullptr) return failure(ErrorCode::invalid_argument, "an array of texts is wanted");
    texts.push_back(std::move(*text));
  }
  return texts;
}

}  // namespace triune::placement
