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

std::string key_expression(std::string_view prefix, const TableShape& shape) {
  const auto key = shape.key();
  if (key.empty()) return fmt::format("{}.rowid", prefix);
  if (key.size() == 1) return key_part(prefix, key[0]);
  std::string parts;
  for (const auto& column : key) parts += (parts.empty() ? "" : ", ") + key_part(prefix, column);
  return fmt::format("json_array({})", parts);
}

std::string capture_triggers(const TableShape& shape, std::int64_t organization_id, std::int64_t collection_id) {
  const auto table = quote_identifier(shape.name);
  const auto old_key = key_expression("old", shape);
  const auto new_key = key_expression("new", shape);
  const auto insert =
      fmt::format("INSERT INTO triune_change_log (organization_id, collection_id, key, operation) SELECT {}, {}, ",
                  organization_id, collection_id);
  const auto trigger = [&](std::string_view event, std::string_view body) {
    return fmt::format("CREATE TRIGGER {} AFTER {} ON {} BEGIN {} END;\n",
                       quote_identifier(fmt::format("triune_capture_{}_{}", shape.name, event)), event, table, body);
  };
  return trigger("insert", fmt::format("{}{}, 'put';", insert, new_key)) +
         trigger("update",
                 fmt::format("{0}{1}, 'delete' WHERE {1} IS NOT {2}; {0}{2}, 'put';", insert, old_key, new_key)) +
         trigger("delete", fmt::format("{}{}, 'delete';", insert, old_key));
}

Status capture_table(contract::RelationalSession& session, projection::CatalogWriter& catalog,
                     std::int64_t organization_id, const std::string& table) {
  TRIUNE_ASSIGN(const TableShape shape, describe_table(session, table));
  TRIUNE_ASSIGN(const std::int64_t collection,
                catalog.collection(organization_id, projection::CollectionKind::table, table));
  TRIUNE_TRY(session.execute_script(capture_triggers(shape, organization_id, collection)));
  const std::array<Value, 2> parameters{organization_id, collection};
  TRIUNE_TRY(
      session.execute(fmt::format("INSERT INTO triune_change_log (organization_id, collection_id, key, operation) "
                                  "SELECT ?1, ?2, NULL, 'load' WHERE EXISTS (SELECT 1 FROM {})",
                                  quote_identifier(table)),
                      parameters));
  return {};
}

// Tables of virtual tables ("shadow") and views cannot carry triggers or need none.
constexpr std::string_view select_uncaptured =
    "SELECT t.name FROM pragma_table_list t WHERE t.schema = 'main' AND t.type = 'table' "
    "AND t.name NOT LIKE 'triune\\_%' ESCAPE '\\' AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
    "AND NOT EXISTS (SELECT 1 FROM sqlite_master m WHERE m.type = 'trigger' AND m.tbl_name = t.name "
    "AND m.name LIKE 'triune\\_capture\\_%' ESCAPE '\\')";

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
  if (!starts("triune_") && !starts("sqlite_")) return {};
  return failure(ErrorCode::permission_denied,
                 fmt::format("{} belongs to Triune; nodes, edges, vectors and blobs are written as changes", table));
}

Result<std::int64_t> schema_version(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT schema_version FROM pragma_schema_version", {}, 1));
  return integer(rows.rows.at(0).at(0));
}

Status capture_new_tables(contract::RelationalSession& session, projection::CatalogWriter& catalog,
                          std::int64_t organization_id) {
  TRIUNE_ASSIGN(const RowSet tables, session.query(select_uncaptured, {}, table_limit));
  for (const auto& row : tables.rows) TRIUNE_TRY(capture_table(session, catalog, organization_id, text(row[0])));
  return {};
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
