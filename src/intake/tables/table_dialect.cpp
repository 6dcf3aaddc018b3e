#include "intake/tables/table_dialect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/try.h"
#include "model/sql_text.h"

namespace triune::intake {
namespace {

constexpr std::string_view sqlite_columns = "SELECT name, upper(type), pk FROM pragma_table_info(?1)";

constexpr std::string_view postgres_columns =
    "SELECT CAST(a.attname AS text), format_type(a.atttypid, NULL), "
    "CASE WHEN a.attnum = ANY (CAST(i.indkey AS smallint[])) THEN 1 ELSE 0 END FROM pg_attribute a "
    "LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary "
    "WHERE a.attrelid = to_regclass(quote_ident(?1)) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

struct NamedKind {
  std::string_view type;
  ColumnKind kind;
};

constexpr auto sqlite_kinds = std::to_array<NamedKind>({{"INTEGER", ColumnKind::integer},
                                                        {"INT", ColumnKind::integer},
                                                        {"REAL", ColumnKind::real},
                                                        {"TEXT", ColumnKind::text}});

constexpr auto postgres_kinds = std::to_array<NamedKind>({{"bigint", ColumnKind::integer},
                                                          {"integer", ColumnKind::integer},
                                                          {"smallint", ColumnKind::integer},
                                                          {"double precision", ColumnKind::real},
                                                          {"real", ColumnKind::real},
                                                          {"numeric", ColumnKind::real},
                                                          {"text", ColumnKind::text},
                                                          {"character varying", ColumnKind::text},
                                                          {"character", ColumnKind::text},
                                                          {"boolean", ColumnKind::boolean},
                                                          {"bytea", ColumnKind::any}});

ColumnKind kind_of(SqlDialect dialect, std::string_view type) {
  const auto kind = [type](const auto& kinds, ColumnKind other) {
    const auto found = std::ranges::find(kinds, type, &NamedKind::type);
    return found == kinds.end() ? other : found->kind;
  };
  return dialect == SqlDialect::sqlite ? kind(sqlite_kinds, ColumnKind::any) : kind(postgres_kinds, ColumnKind::parsed);
}

/// Flags are 0 and 1 in both stores, so that whoever reads the rows, and the graph, finds the same.
std::string_view sql_type(SqlDialect dialect, ColumnType type) {
  const bool sqlite = dialect == SqlDialect::sqlite;
  switch (type) {
    case ColumnType::boolean:
    case ColumnType::integer: return sqlite ? "INTEGER" : "bigint";
    case ColumnType::decimal: return sqlite ? "REAL" : "double precision";
    case ColumnType::null:
    case ColumnType::text:
    case ColumnType::json: return "TEXT";
  }
  return "TEXT";
}

/// An integer, when the value is one.
void fit_integer(Value& value) {
  constexpr double exact = 9007199254740992.0;
  const auto* const number = std::get_if<double>(&value);
  if (const auto* const flag = std::get_if<bool>(&value))
    value = static_cast<std::int64_t>(*flag);
  else if (number != nullptr && std::trunc(*number) == *number && std::abs(*number) <= exact)
    value = static_cast<std::int64_t>(*number);
}

}  // namespace

Result<std::vector<ColumnShape>> shape_of(Hive& hive, const std::string& table) {
  const std::array<Value, 1> parameters{table};
  const auto dialect = hive.dialect();
  TRIUNE_ASSIGN(const RowSet found,
                hive.sql(dialect == SqlDialect::sqlite ? sqlite_columns : postgres_columns, parameters));
  std::vector<ColumnShape> columns;
  for (const auto& row : found.rows)
    columns.push_back({.name = std::get<std::string>(row[0]),
                       .kind = kind_of(dialect, std::get<std::string>(row[1])),
                       .is_key = std::get<std::int64_t>(row[2]) > 0});
  return columns;
}

std::string create_statement(SqlDialect dialect, std::string_view table, const std::vector<TableColumn>& columns,
                             std::string_view key) {
  std::string definitions;
  for (const auto& column : columns)
    definitions += fmt::format("{}{} {}{}", definitions.empty() ? "" : ", ", model::quote_identifier(column.name),
                               sql_type(dialect, column.type), column.name == key ? " NOT NULL PRIMARY KEY" : "");
  return fmt::format("CREATE TABLE IF NOT EXISTS {} ({}){}", model::quote_identifier(table), definitions,
                     dialect == SqlDialect::sqlite ? " STRICT" : "");
}

Status fit(SqlDialect dialect, const ColumnShape& column, Value& value) {
  if (is_null(value)) return {};
  const auto* const integer = std::get_if<std::int64_t>(&value);
  switch (column.kind) {
    case ColumnKind::any: break;
    case ColumnKind::integer:
      fit_integer(value);
      if (dialect == SqlDialect::postgresql && std::holds_alternative<double>(value))
        return failure(ErrorCode::invalid_argument,
                       fmt::format("cannot store {} in the integer column {}", to_text(value), column.name));
      break;
    case ColumnKind::real:
      if (const auto* const flag = std::get_if<bool>(&value))
        value = *flag ? 1.0 : 0.0;
      else if (integer != nullptr && dialect == SqlDialect::sqlite)
        value = static_cast<double>(*integer);
      break;
    case ColumnKind::boolean:
      if (integer != nullptr && (*integer == 0 || *integer == 1)) value = *integer == 1;
      break;
    case ColumnKind::text:
    case ColumnKind::parsed:
      if (!std::holds_alternative<std::string>(value)) value = to_text(value);
      break;
  }
  return {};
}

}  // namespace triune::intake
