#include "modules/model/module_model.h"

#include <functional>
#include <map>
#include <stdexcept>

namespace triune::testing {
namespace {

using Maker = std::unique_ptr<ModuleModel> (*)();

const std::map<std::string, Maker, std::less<>>& makers() {
  static const std::map<std::string, Maker, std::less<>> all{
      {"access", access_model}, {"agents", agents_model}, {"events", events_model}, {"memory", memory_model},
      {"queue", queue_model},   {"tasks", tasks_model},   {"values", values_model}};
  return all;
}

}  // namespace

std::vector<std::string> module_models() {
  std::vector<std::string> names;
  for (const auto& [name, make] : makers()) names.push_back(name);
  return names;
}

std::unique_ptr<ModuleModel> module_model(std::string_view name) {
  const auto found = makers().find(name);
  if (found == makers().end()) throw std::invalid_argument("no model " + std::string(name));
  return found->second();
}

Document told(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid_argument:
    case ErrorCode::not_found:
    case ErrorCode::already_exists:
    case ErrorCode::conflict: return refused();
    default: return std::string(to_string(error.code)) + ": " + error.message;
  }
}

Document rows_of(Hive& hive, std::string_view sql) {
  const auto found = expect(hive.sql(sql));
  auto rows = Document::array();
  for (const auto& row : found.rows) {
    auto cells = Document::array();
    for (const auto& cell : row) cells.push_back(is_null(cell) ? Document() : Document(to_text(cell)));
    rows.push_back(std::move(cells));
  }
  return rows;
}

}  // namespace triune::testing
