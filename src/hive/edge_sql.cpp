// Mappings of tables to edges.
#include <fmt/format.h>

#include "hive/definition_sql.h"
#include "model/sql_text.h"

namespace triune::hive {

using model::quote_identifier;

std::string EdgeSql::base() const {
  return fmt::format("triune_edge_{}_{}", organization, mapping.type);
}

/// The nodes `f` and `t` that two expressions name.
std::string EdgeSql::ends_of(std::string_view from, std::string_view to) const {
  return fmt::format(
      "triune_nodes f, triune_nodes t WHERE f.organization_id = {0} AND f.label_id = {1} AND f.id = {2} "
      "AND t.organization_id = {0} AND t.label_id = {3} AND t.id = {4}",
      organization, from_label, from, to_label, to);
}

std::string EdgeSql::ends(std::string_view row) const {
  return ends_of(column_as_id(row, mapping.from_column), column_as_id(row, mapping.to_column));
}

std::string EdgeSql::properties(std::string_view row) const {
  return columns_as_json(row, mapping.properties);
}

std::string EdgeSql::remove(std::string_view row) const {
  return fmt::format(
      "DELETE FROM triune_edges WHERE organization_id = {} AND type_id = {} "
      "AND (from_node, to_node) IN (SELECT f.node_id, t.node_id FROM {});",
      organization, type, ends(row));
}

std::string EdgeSql::put(std::string_view row) const {
  return fmt::format(
      "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) "
      "SELECT {0}, {1}, f.node_id, t.node_id, {2} FROM {3} AND NOT EXISTS (SELECT 1 FROM triune_edges e "
      "WHERE e.organization_id = {0} AND e.type_id = {1} AND e.from_node = f.node_id AND e.to_node = t.node_id); "
      "UPDATE triune_edges SET properties = {2} WHERE organization_id = {0} AND type_id = {1} "
      "AND (from_node, to_node) IN (SELECT f.node_id, t.node_id FROM {3}) AND properties IS NOT {2};",
      organization, type, properties(row), ends(row));
}

/// From the rows of the table that satisfy `condition` on `r`; edges that are there stay as they are.
std::string EdgeSql::put_from_table(std::string_view condition, std::string_view limit,
                                    std::string_view also_from) const {
  return fmt::format(
      "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) "
      "SELECT {0}, {1}, f.node_id, t.node_id, {2} FROM {7}{5} r, {3} AND {4} AND NOT EXISTS (SELECT 1 FROM "
      "triune_edges e "
      "WHERE e.organization_id = {0} AND e.type_id = {1} AND e.from_node = f.node_id AND e.to_node = t.node_id) "
      "GROUP BY f.node_id, t.node_id{6};",
      organization, type, properties("r"), ends("r"), condition, quote_identifier(mapping.table), limit, also_from);
}

/// Another row may have the ends of one that was replaced: then the edge stays, with that row's properties.
std::string EdgeSql::forget_replaced(const ReplacedRows& rows) const {
  const auto noted = rows.notes() + ", ";
  const auto remove = fmt::format(
      "DELETE FROM triune_edges WHERE organization_id = {} AND type_id = {} AND (from_node, to_node) IN "
      "(SELECT f.node_id, t.node_id FROM {}{}); ",
      organization, type, noted, ends_of("CAST(n.first AS TEXT)", "CAST(n.second AS TEXT)"));
  return remove +
         put_from_table(fmt::format("r.{} = n.first AND r.{} = n.second", quote_identifier(mapping.from_column),
                                    quote_identifier(mapping.to_column)),
                        "", noted);
}

std::vector<SchemaObject> EdgeSql::objects(const TableShape& shape,
                                           const std::vector<UniqueConstraint>& constraints) const {
  const auto from = quote_identifier(mapping.from_column);
  const auto to = quote_identifier(mapping.to_column);
  const auto replace_old =
      remove("old") + " " + put_from_table(fmt::format("r.{0} = old.{0} AND r.{1} = old.{1}", from, to), " LIMIT 1");
  // An end that arrives after its rows.
  const auto waiting = [&](std::string_view name, std::int64_t label, std::string_view column) {
    SchemaObject object{.name = base() + std::string(name), .table = "triune_nodes", .sql = {}};
    object.sql = fmt::format(
        "CREATE TRIGGER {} AFTER INSERT ON triune_nodes WHEN new.organization_id = {} AND new.label_id = {} "
        "BEGIN {} END",
        quote_identifier(object.name), organization, label, put_from_table(fmt::format("r.{} = new.id", column)));
    return object;
  };
  ReplacedRows replaced{.capture = base(),
                        .first = "t." + from,
                        .second = "t." + to,
                        .condition = fmt::format("t.{0} IS NOT new.{0} OR t.{1} IS NOT new.{1}", from, to),
                        .forget = {}};
  replaced.forget = forget_replaced(replaced);
  std::vector<SchemaObject> objects{
      index(base() + "_from", mapping.table, from + ", " + to),
      index(base() + "_to", mapping.table, to),
      trigger(base() + "_insert", "AFTER INSERT", mapping.table, put("new")),
      trigger(base() + "_update", "AFTER UPDATE", mapping.table, replace_old + " " + put("new")),
      trigger(base() + "_delete", "AFTER DELETE", mapping.table, replace_old),
      waiting("_from_end", from_label, from),
      waiting("_to_end", to_label, to)};
  for (auto& object : replaced_row_triggers(shape, constraints, replaced, true)) objects.push_back(std::move(object));
  return objects;
}

std::string EdgeSql::fill() const {
  return put_from_table("true");
}

std::string EdgeSql::clear() const {
  return fmt::format("DELETE FROM triune_edges WHERE organization_id = {} AND type_id = {};", organization, type);
}

}  // namespace triune::hive
