// Rows as nodes and edges. The numbers of labels and types are looked up by the row's organization, so that one trigger
// serves all of them; of an organization that never opened the module nothing is mapped until it does.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "model/sql_text.h"
#include "modules/kit/derived_triggers.h"

namespace triune::modules {
namespace {

using contract::Dialect;
using model::quote_identifier;
using model::quote_literal;

std::string json_of(Dialect dialect, std::string_view row, std::vector<std::string> columns) {
  std::sort(columns.begin(), columns.end());
  std::string parts;
  for (const auto& column : columns)
    parts +=
        fmt::format("{}{}, {}.{}", parts.empty() ? "" : ", ", quote_literal(column), row, quote_identifier(column));
  return dialect == Dialect::sqlite ? fmt::format("json_object({})", parts)
                                    : fmt::format("CAST(json_build_object({}) AS text)", parts);
}

/// A label or a type of the organization of `row`, joined as `name`.
std::string collection(std::string_view name, std::string_view row, std::string_view kind, std::string_view of) {
  return fmt::format("{0}.organization_id = {1}.organization_id AND {0}.kind = '{2}' AND {0}.name = {3}", name, row,
                     kind, quote_literal(of));
}

// Numbers of labels, types and nodes are values of their own, each found by its whole key. Where they were joined,
// PL/pgSQL kept a plan from when there was little, by which each row reads all nodes or all edges of a type.

std::string number_of(std::string_view organization, std::string_view kind, std::string_view name) {
  return fmt::format(
      "(SELECT c.collection_id FROM triune_collections c WHERE c.organization_id = {} AND c.kind = '{}' AND c.name = "
      "{})",
      organization, kind, quote_literal(name));
}

/// Which node it is, as a condition on `name`.
std::string is_node(std::string_view name, std::string_view organization, std::string_view label, std::string_view id) {
  return fmt::format("{0}.organization_id = {1} AND {0}.label_id = {2} AND {0}.id = {3}", name, organization,
                     number_of(organization, "label", label), id);
}

std::string node_of(std::string_view organization, std::string_view label, std::string_view id) {
  return fmt::format("(SELECT n.node_id FROM triune_nodes n WHERE {})", is_node("n", organization, label, id));
}

std::string column_of(std::string_view row, std::string_view column) {
  return fmt::format("{}.{}", row, quote_identifier(column));
}

constexpr std::string_view node_key = "organization_id, label_id, id";
constexpr std::string_view edge_key = "organization_id, type_id, from_node, to_node";

/// Ends an INSERT … SELECT … WHERE of a trigger: nothing is done for a key that is there, which `found` finds too. In
/// a trigger SQLite lets the outer statement decide about conflicts.
std::string unless_there(Dialect dialect, std::string_view key, std::string_view found) {
  return dialect == Dialect::postgres ? fmt::format(" ON CONFLICT ({}) DO NOTHING;", key)
                                      : fmt::format(" AND NOT EXISTS ({});", found);
}

std::string any_differs(const std::vector<std::string>& columns) {
  std::string condition;
  for (const auto& column : columns)
    condition +=
        fmt::format("{0}old.{1} IS DISTINCT FROM new.{1}", condition.empty() ? "" : " OR ", quote_identifier(column));
  return condition;
}

/// "OF a, b" for an UPDATE trigger.
std::string of_columns(const std::vector<std::string>& columns) {
  std::string list;
  for (const auto& column : columns) list += (list.empty() ? "" : ", ") + quote_identifier(column);
  return list;
}

/// `properties` with those of a row over them.
std::string merged(Dialect dialect, std::string_view properties, std::string_view json) {
  return dialect == Dialect::sqlite
             ? fmt::format("json_patch({}, {})", properties, json)
             : fmt::format("CAST(jsonb_strip_nulls(CAST({} AS jsonb) || CAST({} AS jsonb)) AS text)", properties, json);
}

/// Makes the node of a row, with properties as an SQL expression.
std::string insert_node(Dialect dialect, std::string_view row, const std::string& label, std::string_view id,
                        std::string_view properties, std::string_view where) {
  const auto organization = column_of(row, "organization_id");
  return fmt::format(
      "INSERT INTO triune_nodes ({}, properties) SELECT {}, c.collection_id, {}, {} FROM triune_collections c WHERE "
      "{}{}{}",
      node_key, organization, id, properties, collection("c", row, "label", label), where,
      unless_there(dialect, node_key,
                   fmt::format("SELECT 1 FROM triune_nodes n WHERE {}", is_node("n", organization, label, id))));
}

/// Update, then insert where nothing is there: a conflict clause of the statement that fires a trigger would override
/// one within it in SQLite.
std::string put_node(Dialect dialect, const GraphNode& node, std::string_view row) {
  const auto json = json_of(dialect, row, node.properties);
  const auto whole = node.shared ? merged(dialect, "properties", json) : json;
  const auto id = column_of(row, node.id);
  const auto where = node.where.empty() ? std::string() : " AND (" + node.where + ")";
  return fmt::format("UPDATE triune_nodes SET properties = {0} WHERE {1} AND properties IS DISTINCT FROM {0}{2}; ",
                     whole, is_node("triune_nodes", column_of(row, "organization_id"), node.label, id), where) +
         insert_node(dialect, row, node.label, id, json, where);
}

/// Which edge a row is, as a condition on triune_edges.
std::string is_edge(const GraphEdge& edge, std::string_view row) {
  const auto organization = column_of(row, "organization_id");
  return fmt::format("organization_id = {} AND type_id = {} AND from_node = {} AND to_node = {}", organization,
                     number_of(organization, "type", edge.type),
                     node_of(organization, edge.from_label, column_of(row, edge.from_column)),
                     node_of(organization, edge.to_label, column_of(row, edge.to_column)));
}

std::string put_edge(Dialect dialect, const GraphEdge& edge, std::string_view row) {
  const auto json = json_of(dialect, row, edge.properties);
  const auto organization = column_of(row, "organization_id");
  const auto to_id = column_of(row, edge.to_column);
  std::string sql;
  if (edge.makes_to_end)
    sql += insert_node(dialect, row, edge.to_label, to_id, "'{}'", fmt::format(" AND {} IS NOT NULL", to_id)) + " ";
  if (!edge.properties.empty())
    sql += fmt::format("UPDATE triune_edges SET properties = {0} WHERE {1} AND properties IS DISTINCT FROM {0}; ", json,
                       is_edge(edge, row));
  const std::string_view join = dialect == Dialect::sqlite ? "CROSS JOIN" : "JOIN";
  return sql + fmt::format(
                   "INSERT INTO triune_edges ({0}, properties) SELECT {1}, t.collection_id, f.node_id, "
                   "g.node_id, {2} FROM triune_collections t {3} triune_nodes f ON {4} {3} triune_nodes g ON "
                   "{5} WHERE {6}{7}",
                   edge_key, organization, json, join,
                   is_node("f", organization, edge.from_label, column_of(row, edge.from_column)),
                   is_node("g", organization, edge.to_label, to_id), collection("t", row, "type", edge.type),
                   unless_there(dialect, edge_key, "SELECT 1 FROM triune_edges WHERE " + is_edge(edge, row)));
}

/// Unless another row has the same ends.
std::string remove_edge(const GraphEdge& edge, std::string_view row) {
  return fmt::format(
      "DELETE FROM triune_edges WHERE {1} AND NOT EXISTS (SELECT 1 FROM {2} o WHERE o.organization_id = "
      "{0}.organization_id AND o.{3} = {0}.{3} AND o.{4} = {0}.{4});",
      row, is_edge(edge, row), quote_identifier(edge.table), quote_identifier(edge.from_column),
      quote_identifier(edge.to_column));
}

std::vector<std::string> joined(std::vector<std::string> some, const std::vector<std::string>& others) {
  some.insert(some.end(), others.begin(), others.end());
  return some;
}

}  // namespace

std::vector<DerivedTrigger> insert_triggers(Dialect dialect, const ModuleDefinition& definition) {
  std::map<std::string, std::string> bodies;
  for (const auto& node : definition.nodes) bodies[node.table] += put_node(dialect, node, "new") + " ";
  for (const auto& edge : definition.edges) bodies[edge.table] += put_edge(dialect, edge, "new") + " ";
  std::vector<DerivedTrigger> triggers;
  for (const auto& [table, body] : bodies)
    triggers.push_back(row_trigger(dialect, {.name = "triune_graph_" + table + "_insert",
                                             .when = "AFTER INSERT",
                                             .table = table,
                                             .condition = {},
                                             .body = body}));
  return triggers;
}

std::vector<DerivedTrigger> node_triggers(Dialect dialect, const GraphNode& node) {
  const auto base = "triune_graph_" + node.table + "_node";
  const auto condition = [&](const std::string& more) {
    if (node.where.empty() || more.empty()) return node.where + more;
    return fmt::format("({}) AND ({})", node.where, more);
  };
  auto old_where = node.where;
  for (std::size_t at = 0; (at = old_where.find("new.", at)) != std::string::npos; at += 4)
    old_where.replace(at, 3, "old");
  std::vector<DerivedTrigger> triggers;
  if (!node.properties.empty())
    triggers.push_back(row_trigger(dialect, {.name = base + "_update",
                                             .when = "AFTER UPDATE OF " + of_columns(node.properties),
                                             .table = node.table,
                                             .condition = condition(any_differs(node.properties)),
                                             .body = put_node(dialect, node, "new")}));
  triggers.push_back(row_trigger(dialect, {.name = base + "_delete",
                                           .when = "AFTER DELETE",
                                           .table = node.table,
                                           .condition = old_where,
                                           .body = fmt::format("DELETE FROM triune_nodes WHERE {};",
                                                               is_node("triune_nodes", "old.organization_id",
                                                                       node.label, column_of("old", node.id)))}));
  return triggers;
}

std::vector<DerivedTrigger> shared_node_triggers(Dialect dialect, const GraphNode& node) {
  if (!node.shared) return {};
  const auto base = "triune_shared_" + node.table;
  const auto table = quote_identifier(node.table);
  const auto row_of = [&](std::string_view side) {
    return fmt::format(
        "{0}.label_id = c.collection_id AND {1} AND r.organization_id = {0}.organization_id AND r.{2} = {0}.id", side,
        collection("c", side, "label", node.label), quote_identifier(node.id));
  };
  const auto whole = merged(dialect, "new.properties", json_of(dialect, "r", node.properties));
  const auto put = fmt::format(
      "UPDATE triune_nodes SET properties = {0} FROM triune_collections c CROSS JOIN {1} r WHERE {2} AND "
      "triune_nodes.organization_id = new.organization_id AND triune_nodes.node_id = new.node_id AND "
      "triune_nodes.properties IS DISTINCT FROM {0};",
      whole, table, row_of("new"));
  const auto is_row =
      fmt::format("EXISTS (SELECT 1 FROM triune_collections c CROSS JOIN {} r WHERE {})", table, row_of("old"));
  const auto refusal = fmt::format("a node {} that is a row of {} leaves the graph with that row; remove it there",
                                   node.label, node.table);
  const auto keep = dialect == Dialect::sqlite
                        ? fmt::format("SELECT RAISE(ABORT, {}) WHERE {};", quote_literal(refusal), is_row)
                        : fmt::format(
                              "IF {} THEN RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', "
                              "MESSAGE = {}; END IF;",
                              is_row, quote_literal(refusal));
  return {
      row_trigger(dialect, {.name = base + "_put",
                            .when = "AFTER UPDATE OF properties",
                            .table = "triune_nodes",
                            .condition = {},
                            .body = put}),
      row_trigger(
          dialect,
          {.name = base + "_kept", .when = "AFTER DELETE", .table = "triune_nodes", .condition = {}, .body = keep})};
}

std::vector<DerivedTrigger> edge_triggers(Dialect dialect, const GraphEdge& edge) {
  const auto base = fmt::format("triune_graph_{}_{}", edge.table, edge.type);
  const auto changing = joined({edge.from_column, edge.to_column}, edge.properties);
  const auto both = [&](std::string_view row) {
    return fmt::format("{0}.{1} IS NOT NULL AND {0}.{2} IS NOT NULL", row, quote_identifier(edge.from_column),
                       quote_identifier(edge.to_column));
  };
  return {row_trigger(dialect, {.name = base + "_update",
                                .when = "AFTER UPDATE OF " + of_columns(changing),
                                .table = edge.table,
                                .condition = any_differs(changing),
                                .body = remove_edge(edge, "old") + " " + put_edge(dialect, edge, "new")}),
          row_trigger(dialect, {.name = base + "_delete",
                                .when = "AFTER DELETE",
                                .table = edge.table,
                                .condition = both("old"),
                                .body = remove_edge(edge, "old")})};
}

std::string fill_nodes(Dialect dialect, const GraphNode& node) {
  auto where = node.where;
  for (std::size_t at = 0; (at = where.find("new.", at)) != std::string::npos; at += 2) where.replace(at, 3, "r");
  return fmt::format(
      "INSERT INTO triune_nodes ({0}, properties) SELECT r.organization_id, c.collection_id, {1}, {2} FROM {3} r JOIN "
      "triune_collections c ON {4} WHERE r.organization_id = ?1{5} ON CONFLICT ({0}) DO NOTHING",
      node_key, column_of("r", node.id), json_of(dialect, "r", node.properties), quote_identifier(node.table),
      collection("c", "r", "label", node.label), where.empty() ? "" : " AND (" + where + ")");
}

std::string fill_edges(Dialect dialect, const GraphEdge& edge) {
  // Of rows with the same ends one is as good as another.
  return fmt::format(
      "INSERT INTO triune_edges ({0}, properties) SELECT e.organization_id, e.type_id, e.from_node, e.to_node, "
      "e.properties FROM (SELECT r.organization_id, {1} AS type_id, {2} AS from_node, {3} AS to_node, {4} AS "
      "properties "
      "FROM {5} r WHERE r.organization_id = ?1) e WHERE e.type_id IS NOT NULL AND e.from_node IS NOT NULL AND "
      "e.to_node "
      "IS NOT NULL ON CONFLICT ({0}) DO NOTHING",
      edge_key, number_of("?1", "type", edge.type), node_of("?1", edge.from_label, column_of("r", edge.from_column)),
      node_of("?1", edge.to_label, column_of("r", edge.to_column)), json_of(dialect, "r", edge.properties),
      quote_identifier(edge.table));
}

}  // namespace triune::modules
