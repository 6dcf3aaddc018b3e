#include "intake/legacy_sqlite/work.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/failpoint.h"
#include "base/try.h"
#include "model/sql_text.h"
#include "placement/names.h"

namespace triune::intake::legacy {

using model::quote_identifier;

Status Work::go_on() const {
  if (!cancelled || !cancelled()) return {};
  return failure(ErrorCode::cancelled, "the migration was interrupted; apply the same plan again to go on");
}

Status Work::once(std::string_view phase, const std::string& item,
                  const std::function<Result<std::uint64_t>()>& work) const {
  TRIUNE_TRY(go_on());
  TRIUNE_ASSIGN(const auto step, journal.step(migration, phase, item));
  if (step && step->done) return {};
  TRIUNE_ASSIGN(const std::uint64_t entities, work());
  base::failpoint(fmt::format("migrate.{}.done", phase));
  return journal.put(migration, {.phase = std::string(phase), .item = item, .done = true, .entities = entities});
}

const TablePlan* copied_table(const Plan& plan, std::string_view name) {
  const auto found = std::find_if(plan.tables.begin(), plan.tables.end(), [&](const TablePlan& table) {
    return table.copy && placement::same_name(table.name, name);
  });
  return found == plan.tables.end() ? nullptr : &*found;
}

std::string identity_column(const placement::TableReport& table) {
  std::string column;
  for (const auto& each : table.columns) {
    if (each.primary_key_position == 0) continue;
    if (!column.empty()) return {};
    column = each.name;
  }
  return column;
}

std::string elements_of(const EdgePlan& edge) {
  const auto column = "t." + quote_identifier(edge.to_column);
  if (edge.kind == "json list")
    return fmt::format("json_each(CASE WHEN json_valid({0}) THEN {0} ELSE '[]' END) e", column);
  // Words between commas as a JSON array: quotes and backslashes in them are escaped.
  const auto escaped = fmt::format("replace(replace({}, '\\', '\\\\'), '\"', '\\\"')", column);
  const auto array = fmt::format("'[\"' || replace({}, ',', '\",\"') || '\"]'", escaped);
  return fmt::format("json_each(CASE WHEN json_valid({0}) THEN {0} ELSE '[]' END) e", array);
}

Result<std::string> kind_of_object(contract::RelationalSession& session, const std::string& name) {
  const Value parameter = name;
  const bool server = session.dialect() == contract::Dialect::postgres;
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query(server ? "SELECT CASE relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'view' WHEN 'i' THEN 'index' WHEN "
                             "'S' THEN 'sequence' ELSE 'table' END FROM pg_catalog.pg_class WHERE relname = ?1 AND "
                             "relnamespace = to_regnamespace(quote_ident(current_schema()))"
                           : "SELECT type FROM sqlite_schema WHERE name = ?1 COLLATE NOCASE AND type <> 'trigger'",
                    {&parameter, 1}, 1));
  return rows.rows.empty() ? std::string() : to_text(rows.rows[0][0]);
}

const NodePlan* node_plan(const Plan& plan, std::string_view label) {
  const auto found =
      std::find_if(plan.nodes.begin(), plan.nodes.end(), [&](const NodePlan& node) { return node.label == label; });
  return found == plan.nodes.end() ? nullptr : &*found;
}

Result<std::string> list_pairs(LegacySource& source, const Plan& plan, const EdgePlan& edge) {
  const auto* node = node_plan(plan, edge.to_label);
  const auto* target = node == nullptr ? nullptr : source.table(node->table);
  if (target == nullptr)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("edges {}: no table has nodes of the label {}", edge.type, edge.to_label));
  return fmt::format(
      "SELECT CAST(t.{0} AS TEXT) AS f, CAST(g.{1} AS TEXT) AS g FROM \"main\".{2} t, {3}, \"main\".{4} g "
      "WHERE t.{0} IS NOT NULL AND g.{1} = trim(e.value)",
      quote_identifier(edge.from_column), quote_identifier(identity_column(*target)), quote_identifier(edge.table),
      elements_of(edge), quote_identifier(target->name));
}

}  // namespace triune::intake::legacy
