// Declarations of changes: read, and as the texts of a migration.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "migrate/change_sql.h"
#include "model/json.h"
#include "model/sql_text.h"

namespace triune::migrate {
namespace {

using contract::Dialect;
using model::quote_identifier;

constexpr std::uint64_t largest_batch = 100'000;
constexpr std::size_t most_columns = 100;

std::unexpected<Error> bad(const std::string& what) {
  return failure(ErrorCode::invalid_argument, what);
}

Status check_members(const Record& record, std::span<const std::string_view> known, std::string_view where) {
  for (const auto& field : record)
    if (std::find(known.begin(), known.end(), field.name) == known.end())
      return bad(fmt::format("\"{}\" is no member of {}", field.name, where));
  return {};
}

std::string text_of(const Record& record, std::string_view member) {
  const auto* const value = find(record, member);
  const auto* const text = value == nullptr ? nullptr : std::get_if<std::string>(value);
  return text == nullptr ? std::string() : *text;
}

Result<std::string> needed_text(const Record& record, std::string_view member, std::string_view why = {}) {
  auto text = text_of(record, member);
  if (!text.empty()) return text;
  return bad(fmt::format("\"{}\" is missing{}", member, why));
}

Result<bool> flag_of(const Record& record, std::string_view member) {
  const auto* const value = find(record, member);
  if (value == nullptr) return false;
  if (const auto* const flag = std::get_if<bool>(value)) return *flag;
  return bad(fmt::format("\"{}\" must be true or false", member));
}

Result<std::uint64_t> number_of(const Record& record, std::string_view member, std::uint64_t otherwise,
                                std::uint64_t least, std::uint64_t most) {
  const auto* const value = find(record, member);
  if (value == nullptr) return otherwise;
  const auto* const number = std::get_if<std::int64_t>(value);
  if (number != nullptr && *number >= static_cast<std::int64_t>(least) && *number <= static_cast<std::int64_t>(most))
    return static_cast<std::uint64_t>(*number);
  return bad(fmt::format("\"{}\" must be a number from {} to {}", member, least, most));
}

/// {"NAME": {…}, …}, each by `take`.
template <class Take>
Status each_of(const Value& value, std::string_view member, const Take& take) {
  const auto* const json = std::get_if<Json>(&value);
  const auto record = json == nullptr ? Result<Record>(Record()) : model::parse_json_object(json->text);
  if (!record || record->empty() || record->size() > most_columns)
    return bad(fmt::format("\"{}\" must be an object with 1 to {} columns by their names", member, most_columns));
  for (const auto& field : *record) {
    const auto* const one = std::get_if<Json>(&field.value);
    const auto members = one == nullptr ? Result<Record>(Record()) : model::parse_json_object(one->text);
    if (!members || one == nullptr) return bad(fmt::format("\"{}\".\"{}\" must be an object", member, field.name));
    auto taken = take(field.name, *members);
    if (taken) continue;
    taken.error().message = fmt::format("\"{}\".\"{}\": {}", member, field.name, taken.error().message);
    return taken;
  }
  return {};
}

Status read_columns(const Record& record, ChangeDefinition& change) {
  static constexpr std::array<std::string_view, 3> known{"type", "up", "not_null"};
  const auto* const columns = find(record, "columns");
  if (columns == nullptr) {
    TRIUNE_ASSIGN(auto name, needed_text(record, "column"));
    TRIUNE_ASSIGN(auto type, needed_text(record, "type"));
    TRIUNE_ASSIGN(auto up, needed_text(record, "up"));
    TRIUNE_ASSIGN(const bool not_null, flag_of(record, "not_null"));
    change.columns.push_back({std::move(name), std::move(type), std::move(up), not_null});
    return {};
  }
  for (const auto* const member : {"column", "type", "up", "down", "not_null", "replaced_type"})
    if (find(record, member) != nullptr) return bad(fmt::format("\"{}\" stands within \"columns\"", member));
  return each_of(*columns, "columns", [&](const std::string& name, const Record& members) -> Status {
    TRIUNE_TRY(check_members(members, known, "a new column"));
    TRIUNE_ASSIGN(auto type, needed_text(members, "type"));
    TRIUNE_ASSIGN(auto up, needed_text(members, "up"));
    TRIUNE_ASSIGN(const bool not_null, flag_of(members, "not_null"));
    change.columns.push_back({name, std::move(type), std::move(up), not_null});
    return {};
  });
}

Status read_replaced(const Record& record, ChangeDefinition& change) {
  static constexpr std::array<std::string_view, 2> known{"type", "down"};
  static constexpr std::string_view way_back = ": the way back to the column that is replaced";
  const auto* const replaces = find(record, "replaces");
  if (replaces == nullptr || text_of(record, "replaces").empty()) {
    if (replaces == nullptr || std::holds_alternative<std::string>(*replaces)) return {};
    return each_of(*replaces, "replaces", [&](const std::string& name, const Record& members) -> Status {
      TRIUNE_TRY(check_members(members, known, "a column that is replaced"));
      TRIUNE_ASSIGN(auto type, needed_text(members, "type", way_back));
      TRIUNE_ASSIGN(auto down, needed_text(members, "down", way_back));
      change.replaces.push_back({name, std::move(type), std::move(down)});
      return {};
    });
  }
  TRIUNE_ASSIGN(auto type, needed_text(record, "replaced_type", way_back));
  TRIUNE_ASSIGN(auto down, needed_text(record, "down", way_back));
  change.replaces.push_back({text_of(record, "replaces"), std::move(type), std::move(down)});
  return {};
}

template <class Column>
std::string names_of(const std::vector<Column>& columns) {
  std::string text;
  for (const auto& one : columns) text += (text.empty() ? "" : ", ") + one.name;
  return text;
}

}  // namespace

std::string ChangeDefinition::column_names() const {
  return names_of(columns);
}
std::string ChangeDefinition::replaced_names() const {
  return names_of(replaces);
}

Result<ChangeDefinition> parse_change(std::string_view json) {
  static constexpr std::array<std::string_view, 11> known{
      "table", "columns", "column", "type", "up", "down", "replaces", "replaced_type", "batch", "pause_ms", "not_null"};
  TRIUNE_ASSIGN(const auto record, model::parse_json_object(json));
  TRIUNE_TRY(check_members(record, known, "a change"));
  ChangeDefinition change;
  TRIUNE_ASSIGN(change.table, needed_text(record, "table"));
  TRIUNE_TRY(read_columns(record, change));
  TRIUNE_TRY(read_replaced(record, change));
  TRIUNE_ASSIGN(change.batch, number_of(record, "batch", change.batch, 1, largest_batch));
  TRIUNE_ASSIGN(const auto pause, number_of(record, "pause_ms", 10, 0, 60'000));
  change.pause = std::chrono::milliseconds(pause);
  return change;
}

std::string change_up_text(const ChangeDefinition& change, Dialect dialect) {
  std::string text;
  for (const auto& column : change.columns) text += add_column(change, column) + ";\n";
  text += fmt::format("-- triune: allow unbatched-write made by a change\nUPDATE {} SET {};\n",
                      quote_identifier(change.table), forward_assignments(change));
  for (const auto& column : change.columns) {
    if (!column.not_null) continue;
    if (dialect == Dialect::postgres) text += "-- triune: allow set-not-null made by a change\n";
    for (const auto& statement : enforce_not_null(change, column, dialect)) text += statement + ";\n";
  }
  for (const auto& old : change.replaces)
    text += fmt::format("-- triune: allow drop-before-contract made by a change\n{};\n", drop_column(change, old.name));
  return text;
}

std::string change_down_text(const ChangeDefinition& change, Dialect dialect) {
  const auto table = quote_identifier(change.table);
  std::string text;
  for (const auto& old : change.replaces)
    text += fmt::format("ALTER TABLE {} ADD COLUMN {} {};\n", table, quote_identifier(old.name), old.type);
  if (!change.replaces.empty()) text += fmt::format("UPDATE {} SET {};\n", table, back_assignments(change));
  for (const auto& column : change.columns) {
    if (column.not_null)
      for (const auto& statement : forget_not_null(change, column, dialect)) text += statement + ";\n";
    text += drop_column(change, column.name) + ";\n";
  }
  return text;
}

}  // namespace triune::migrate
