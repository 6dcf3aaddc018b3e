// The audit log of one table.
#include <fmt/format.h>

#include <algorithm>

#include "model/sql_text.h"
#include "modules/kit/derived_triggers.h"

namespace triune::modules {
namespace {

using contract::ColumnDescription;
using contract::Dialect;
using model::quote_identifier;
using model::quote_literal;

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string record_id(const AuditedTable& table, std::string_view row) {
  std::string id;
  for (const auto& column : table.key)
    id += fmt::format("{}coalesce({}.{}, '')", id.empty() ? "" : " || '/' || ", row, quote_identifier(column));
  return id;
}

/// `"name":value,` of a column of a row, as an SQL expression.
std::string member(const AuditedTable& table, const ColumnDescription& column, std::string_view row) {
  const auto name = quote_literal(fmt::format("\"{}\":", column.name));
  if (contains(table.redacted, column.name)) return fmt::format("{} || '\"…\",'", name);
  const auto value = fmt::format("{}.{}", row, quote_identifier(column.name));
  // A whole number is JSON as it is.
  const bool whole = column.type == "INTEGER";
  return fmt::format(fmt::runtime(whole ? "{} || coalesce({}, 'null') || ','" : "{} || json_quote({}) || ','"), name,
                     value);
}

/// All columns of a row as a JSON object.
std::string whole_row(const AuditedTable& table, const std::vector<ColumnDescription>& columns, std::string_view row) {
  std::string members;
  for (const auto& column : columns) {
    members += members.empty() ? "" : " || ";
    members += member(table, column, row);
  }
  return fmt::format("'{{' || rtrim({}, ',') || '}}'", members);
}

/// The columns that an update changes, as they are in `row`. Comparing first is cheaper than building both objects, and
/// one printf than as many concatenations; it takes 126 columns, of which no module's table has half.
std::string changed_columns(const AuditedTable& table, const std::vector<ColumnDescription>& columns,
                            std::string_view row) {
  std::string places;
  std::string members;
  for (const auto& column : columns) {
    places += "%s";
    members += fmt::format(", CASE WHEN old.{0} IS NOT new.{0} THEN {1} END", quote_identifier(column.name),
                           member(table, column, row));
  }
  return fmt::format("'{{' || rtrim(printf('{}'{}), ',') || '}}'", places, members);
}

std::string any_changed(const std::vector<ColumnDescription>& columns) {
  std::string condition;
  for (const auto& column : columns)
    condition +=
        fmt::format("{0}old.{1} IS NOT new.{1}", condition.empty() ? "" : " OR ", quote_identifier(column.name));
  return condition;
}

std::string entry(const AuditedTable& table, std::string_view row, std::string_view operation,
                  const std::string& before, const std::string& after) {
  return fmt::format(
      "INSERT INTO triune_audit_log (organization_id, actor, actor_type, reason, request_id, table_name, record_id, "
      "operation, before, after) SELECT {}.organization_id, c.actor, c.actor_type, c.reason, c.request_id, {}, {}, "
      "'{}', {}, {} FROM triune_audit_context c;",
      row, quote_literal(table.table), record_id(table, row), operation, before, after);
}

DerivedTrigger postgres_trigger(const AuditedTable& table) {
  std::string arguments;
  const auto add = [&](std::string_view argument) {
    arguments += (arguments.empty() ? "" : ", ") + quote_literal(argument);
  };
  for (const auto& column : table.key) add(column);
  add("-");
  for (const auto& column : table.redacted) add(column);
  add("-");
  for (const auto& column : table.following) add(column);
  const auto name = "triune_audit_" + table.table;  // Its name says the table, which in a partition is another.
  const auto condition =
      table.told_otherwise.empty() ? std::string() : fmt::format(" WHEN (NOT ({}))", table.told_otherwise);
  return {
      .name = name,
      .table = table.table,
      .create = fmt::format("DROP TRIGGER IF EXISTS {0} ON {1}; CREATE TRIGGER {0} AFTER {2}UPDATE OR DELETE ON {1} "
                            "FOR EACH ROW{3} EXECUTE FUNCTION triune_audit_row({4});",
                            quote_identifier(name), quote_identifier(table.table), table.inserts ? "INSERT OR " : "",
                            condition, arguments)};
}

}  // namespace

std::vector<DerivedTrigger> audit_triggers(Dialect dialect, const AuditedTable& table,
                                           const std::vector<ColumnDescription>& columns) {
  if (dialect == Dialect::postgres) return {postgres_trigger(table)};
  const auto base = "triune_audit_" + table.table;
  auto told = columns;
  std::erase_if(told, [&](const ColumnDescription& column) { return contains(table.following, column.name); });
  std::vector<DerivedTrigger> triggers;
  const auto add = [&](std::string_view operation, std::string condition, const std::string& body) {
    if (!table.told_otherwise.empty())
      condition = fmt::format("NOT ({}){}", table.told_otherwise, condition.empty() ? "" : " AND (" + condition + ")");
    triggers.push_back(row_trigger(dialect, {.name = fmt::format("{}_{}", base, operation),
                                             .when = fmt::format("AFTER {}", operation),
                                             .table = table.table,
                                             .condition = std::move(condition),
                                             .body = body}));
  };
  if (table.inserts) add("insert", {}, entry(table, "new", "insert", "NULL", whole_row(table, columns, "new")));
  add("update", any_changed(told),
      entry(table, "new", "update", changed_columns(table, told, "old"), changed_columns(table, told, "new")));
  add("delete", {}, entry(table, "old", "delete", whole_row(table, columns, "old"), "NULL"));
  return triggers;
}

}  // namespace triune::modules
