#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "intake/claude_code/json_access.h"
#include "intake/claude_code/settings_text.h"

namespace triune::intake::claude {
namespace {

constexpr std::array<std::string_view, 9> secret_words{"token",   "secret",        "password",    "passwd",    "apikey",
                                                       "api_key", "authorization", "private_key", "credential"};

void flatten(JsonElement element, const std::string& key, std::vector<Setting>& to) {
  JsonObject members;
  JsonArray items;
  std::string_view text;
  if (element.get(members) == simdjson::SUCCESS) {
    for (const auto [name, value] : members) {
      const std::string part = without_nul(name);
      flatten(value, key.empty() ? part : key + "." + part, to);
    }
  } else if (element.get(items) == simdjson::SUCCESS) {
    std::size_t index = 0;
    for (const auto value : items) flatten(value, fmt::format("{}[{}]", key, index++), to);
  } else if (element.get(text) == simdjson::SUCCESS) {
    to.push_back({key, without_nul(text), "string"});
  } else if (element.is_null()) {
    to.push_back({key, "", "null"});
  } else {
    to.push_back({key, simdjson::minify(element), element.is_bool() ? "boolean" : "number"});
  }
}

}  // namespace

bool is_secret(const Setting& setting) {
  if (setting.type != "string" || setting.value.empty()) return false;
  std::string key = setting.key.substr(setting.key.rfind('.') + 1);
  std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) { return std::tolower(c); });
  return std::any_of(secret_words.begin(), secret_words.end(),
                     [&](std::string_view word) { return key.find(word) != std::string::npos; });
}

Result<std::vector<Setting>> flatten_json(std::string_view text) {
  simdjson::dom::parser parser;
  JsonElement element;
  if (const auto code = parser.parse(text.data(), text.size(), true).get(element))
    return failure(ErrorCode::invalid_argument, fmt::format("not valid JSON: {}", simdjson::error_message(code)));
  std::vector<Setting> settings;
  flatten(element, {}, settings);
  return settings;
}

}  // namespace triune::intake::claude
