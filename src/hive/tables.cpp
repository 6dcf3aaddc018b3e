#include "hive/tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/try.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using model::quote_identifier;
using model::quote_literal;

constexpr std::size_t table_limit = 10'000;

std::int64_t integer(const Value& value) {
  return std::get<std::int64_t>(value);
}
const std::string& text(const Value& value) {
  return std::get<std::string>(value);
}

/// The value of a key column that the log can hold and that `json_array` accepts.
std::string key_part(std::string_view prefix, std::string_view column) {
  const auto name = fmt::format("{}.{}", prefix, quote_identifier(column));
  return fmt::format("CASE typeof({0}) WHEN 'blob' THEN hex({0}) ELSE {0} END", name);
}

}  // namespace

std::vector<std::string> TableShape::key() const {
  std::map<std::uint32_t, std::string> ordered;
  for (const auto& column : columns)
    if (column.primary_key_position > 0) ordered[column.primary_key_position] = column.name;
  std::vector<std::string> names;
  for (auto& [position, column] : ordered) names.push_back(std::move(column));
  return names;
}

const contract::ColumnDescription* TableShape::column(std::string_view wanted) const {
  const auto found = std::find_if(columns.begin(), columns.end(), [&](const auto& one) { return one.name == wanted; });
  return found == columns.end() ? nullptr : &*found;
}

Result<TableShape> describe_table(contract::RelationalSession& session, std::string_view table) {
  const std::array<Value, 1> parameters{std::string(table)};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT name, type, pk, \"notnull\" FROM pragma_table_xinfo(?1) WHERE hidden = 0",
                              parameters, table_limit));
  if (rows.rows.empty())
    return failure(ErrorCode::not_found,
                   fmt::format("there is no table {0}; create it with `triune sql 'CREATE TABLE …'` or "
                               "`triune load rows FILE --table {0}`",
                               table));
  TableShape shape{.name = std::string(table), .columns = {}};
  for (const auto& row : rows.rows)
    shape.columns.push_back({.name = text(row[0]),
                             .type = text(row[1]),
                             .primary_key_position = static_cast<std::uint32_t>(integer(row[2])),
                             .not_null = integer(row[3]) != 0});
  return shape;
}

Status check_user_table(std::string_view table) {
  const auto starts = [&](std::string_view prefix) {
    return table.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), table.begin(),
                                                       [](char a, char b) { return a == (b | 0x20) || a == b; });
  };
  if (starts("sqlite_"))
    return failure(ErrorCode::permission_denied,
                   fmt::format("{}: names that start with sqlite_ belong to SQLite", table));
  if (!starts("triune_")) return {};
  return failure(ErrorCode::permission_denied,
                 fmt::format("{} belongs to Triune; nodes, edges, vectors and blobs are written as changes", table));
}

Result<std::int64_t> schema_version(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT schema_version FROM pragma_schema_version", {}, 1));
  return integer(rows.rows.at(0).at(0));
}

std::string key_expression(std::string_view prefix, const TableShape& shape) {
  const auto key = shape.key();
  if (key.empty()) return fmt::format("{}.rowid", prefix);
  if (key.size() == 1) return key_part(prefix, key[0]);
  std::string parts;
  for (const auto& column : key) parts += (parts.empty() ? "" : ", ") + key_part(prefix, column);
  return fmt::format("json_array({})", parts);
}

std::string column_as_id(std::string_view prefix, std::string_view column) {
  return fmt::format("CAST({}.{} AS TEXT)", prefix, quote_identifier(column));
}

std::string columns_as_json(std::string_view prefix, std::vector<std::string> columns) {
  std::sort(columns.begin(), columns.end());
  std::string parts;
  for (const auto& column : columns)
    parts += fmt::format("{}{}, {}", parts.empty() ? "" : ", ", quote_literal(column), key_part(prefix, column));
  return fmt::format("json_object({})", parts);
}

}  // namespace triune::hive
