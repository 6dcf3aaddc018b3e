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

using contract::Dialect;

constexpr std::size_t table_limit = 10'000;

constexpr std::string_view sqlite_columns =
    "SELECT name, type, pk, \"notnull\" FROM pragma_table_xinfo(?1) WHERE hidden = 0";

constexpr std::string_view postgres_columns =
    "SELECT CAST(a.attname AS text), CASE WHEN a.atttypid IN (20, 21, 23) THEN CASE WHEN a.attidentity <> '' "
    "OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%' THEN 'INTEGER' ELSE 'BIGINT' END "
    "WHEN a.atttypid IN (700, 701, 1700) THEN 'REAL' WHEN a.atttypid IN (25, 1042, 1043) THEN 'TEXT' "
    "ELSE format_type(a.atttypid, a.atttypmod) END, "
    "CAST(coalesce(array_position(CAST(i.indkey AS smallint[]), a.attnum) + 1, 0) AS bigint), "
    "CAST(CAST(a.attnotnull AS integer) AS bigint) FROM pg_class c "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum "
    "LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary "
    "WHERE c.oid = to_regclass(quote_ident(?1)) AND c.relkind IN ('r', 'p', 'v', 'm', 'f') ORDER BY a.attnum";

// Tables of virtual tables ("shadow") and views cannot carry triggers or need none.
constexpr std::string_view sqlite_tables =
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
    "AND name NOT LIKE 'triune\\_%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";

// A partition is written through its parent; a table of an extension is not the user's.
constexpr std::string_view postgres_tables =
    "SELECT CAST(c.relname AS text) FROM pg_class c WHERE c.relnamespace = to_regnamespace(current_schema()) "
    "AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't' "
    "AND c.relname NOT LIKE 'triune\\_%' AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.classid = "
    "CAST('pg_class' AS regclass) AND d.objid = c.oid AND d.deptype = 'e') ORDER BY 1";

// Nothing in PostgreSQL counts changes of the schema, so what matters of it is put together: tables, their columns and
// our triggers.
constexpr std::string_view postgres_schema_version =
    "SELECT md5(coalesce(string_agg(CAST(x AS text), ',' ORDER BY CAST(x AS text)), '')) FROM ("
    "SELECT c.oid, c.relname, a.attnum, a.attname, a.atttypid, a.attnotnull, 0 AS tgfoid FROM pg_class c "
    "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped "
    "WHERE c.relnamespace = to_regnamespace(current_schema()) AND c.relkind IN ('r', 'p') "
    "AND c.relname NOT LIKE 'triune\\_%' UNION ALL "
    "SELECT g.tgrelid, g.tgname, 0, '', 0, true, g.tgfoid FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid "
    "WHERE c.relnamespace = to_regnamespace(current_schema()) AND g.tgname LIKE 'triune\\_%') x";

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

std::optional<TableShape> TableShapes::find(const std::string& table) const {
  const std::scoped_lock lock(mutex_);
  const auto found = shapes_.find(table);
  return found == shapes_.end() ? std::nullopt : std::optional(found->second);
}

void TableShapes::remember(const TableShape& shape) {
  constexpr std::size_t most = 1'000;
  const std::scoped_lock lock(mutex_);
  if (shapes_.size() >= most) shapes_.clear();
  shapes_.insert_or_assign(shape.name, shape);
}

void TableShapes::forget() {
  const std::scoped_lock lock(mutex_);
  shapes_.clear();
}

Result<TableShape> describe_table(contract::RelationalSession& session, std::string_view table) {
  const std::array<Value, 1> parameters{std::string(table)};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query(session.dialect() == Dialect::sqlite ? sqlite_columns : postgres_columns, parameters, table_limit));
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

Result<std::vector<std::string>> user_tables(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const RowSet rows,
                session.query(session.dialect() == Dialect::sqlite ? sqlite_tables : postgres_tables, {}, table_limit));
  std::vector<std::string> names;
  for (const auto& row : rows.rows) names.push_back(to_text(row[0]));
  return names;
}

Result<std::string> schema_version(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query(session.dialect() == Dialect::sqlite ? "PRAGMA schema_version" : postgres_schema_version, {}, 1));
  return to_text(rows.rows.at(0).at(0));
}

bool same_name(Dialect dialect, std::string_view left, std::string_view right) {
  if (dialect == Dialect::postgres) return left == right;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [&](char a, char b) { return lower(a) == lower(b); });
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
