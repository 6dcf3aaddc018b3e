// Capture of tables, and mappings of tables to nodes.
#include <fmt/format.h>

#include "hive/definition_sql.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using model::quote_identifier;

/// Update-or-insert without ON CONFLICT: the conflict clause of an outer statement (INSERT OR REPLACE) would override
/// it.
std::string put_node(std::int64_t organization, std::int64_t label, const std::string& id, const std::string& json) {
  return fmt::format(
      "UPDATE triune_nodes SET properties = {3} WHERE organization_id = {0} AND label_id = {1} AND id = {2} "
      "AND properties IS NOT {3}; "
      "INSERT INTO triune_nodes (organization_id, label_id, id, properties) SELECT {0}, {1}, {2}, {3} "
      "WHERE NOT EXISTS (SELECT 1 FROM triune_nodes WHERE organization_id = {0} AND label_id = {1} AND id = {2});",
      organization, label, id, json);
}

std::string delete_node(std::int64_t organization, std::int64_t label, const std::string& id) {
  return fmt::format("DELETE FROM triune_nodes WHERE organization_id = {} AND label_id = {} AND id = {}", organization,
                     label, id);
}

void append(std::vector<SchemaObject>& to, std::vector<SchemaObject> more) {
  for (auto& object : more) to.push_back(std::move(object));
}

}  // namespace

std::vector<SchemaObject> capture_objects(const TableShape& shape, const std::vector<UniqueConstraint>& constraints,
                                          std::int64_t organization, std::int64_t collection) {
  const auto old_key = key_expression("old", shape);
  const auto new_key = key_expression("new", shape);
  const auto base = "triune_capture_" + shape.name;
  const auto insert =
      fmt::format("INSERT INTO triune_change_log (organization_id, collection_id, key, operation) SELECT {}, {}, ",
                  organization, collection);
  std::vector<SchemaObject> objects{
      trigger(base + "_insert", "AFTER INSERT", shape.name, fmt::format("{}{}, 'put';", insert, new_key)),
      trigger(base + "_update", "AFTER UPDATE", shape.name,
              fmt::format("{0}{1}, 'delete' WHERE {1} IS NOT {2}; {0}{2}, 'put';", insert, old_key, new_key)),
      trigger(base + "_delete", "AFTER DELETE", shape.name, fmt::format("{}{}, 'delete';", insert, old_key))};
  ReplacedRows replaced{.capture = base,
                        .first = key_expression("t", shape),
                        .condition = fmt::format("{} IS NOT {}", key_expression("t", shape), new_key),
                        .forget = {}};
  replaced.forget = fmt::format("{}n.first, 'delete' FROM {};", insert, replaced.notes());
  append(objects, replaced_row_triggers(shape, constraints, replaced, false));
  return objects;
}

std::string NodeSql::base() const {
  return fmt::format("triune_node_{}_{}", organization, mapping.label);
}

std::vector<SchemaObject> NodeSql::objects(const TableShape& shape,
                                           const std::vector<UniqueConstraint>& constraints) const {
  const auto new_id = column_as_id("new", key);
  const auto old_id = column_as_id("old", key);
  const auto put = put_node(organization, label, new_id, columns_as_json("new", columns));
  const auto remove = delete_node(organization, label, old_id);
  std::vector<SchemaObject> objects{trigger(base() + "_insert", "AFTER INSERT", mapping.table, put),
                                    trigger(base() + "_update", "AFTER UPDATE", mapping.table,
                                            fmt::format("{} AND {} IS NOT {}; {}", remove, new_id, old_id, put)),
                                    trigger(base() + "_delete", "AFTER DELETE", mapping.table, remove + ";")};
  ReplacedRows replaced{.capture = base(),
                        .first = column_as_id("t", key),
                        .condition = fmt::format("{} IS NOT {}", column_as_id("t", key), new_id),
                        .forget = {}};
  replaced.forget = fmt::format(
      "DELETE FROM triune_nodes WHERE organization_id = {} AND label_id = {} AND id IN (SELECT n.first FROM {});",
      organization, label, replaced.notes());
  append(objects, replaced_row_triggers(shape, constraints, replaced, false));
  return objects;
}

std::string NodeSql::fill() const {
  return fmt::format(
      "INSERT INTO triune_nodes (organization_id, label_id, id, properties) SELECT {}, {}, {}, {} FROM {} r "
      "WHERE r.{} IS NOT NULL;",
      organization, label, column_as_id("r", key), columns_as_json("r", columns), quote_identifier(mapping.table),
      quote_identifier(key));
}

std::string NodeSql::refresh() const {
  return fmt::format(
      "UPDATE triune_nodes SET properties = {2} FROM {3} r WHERE organization_id = {0} AND label_id = {1} "
      "AND triune_nodes.id = {4} AND triune_nodes.properties IS NOT {2};",
      organization, label, columns_as_json("r", columns), quote_identifier(mapping.table), column_as_id("r", key));
}

std::string NodeSql::clear() const {
  return fmt::format("DELETE FROM triune_nodes WHERE organization_id = {} AND label_id = {};", organization, label);
}

}  // namespace triune::hive
