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

/// Update, then insert where nothing is there: a conflict clause of the statement that fires a trigger would override
/// one within it in SQLite.
std::string put_node(Dialect dialect, const GraphNode& node, std::string_view row) {
  const auto json = json_of(dialect, row, node.properties);
  const auto id = quote_identifier(node.id);
  const auto label =
      collection("c", row, "label", node.label) + (node.where.empty() ? "" : " AND (" + node.where + ")");
  return fmt::format(
      "UPDATE triune_nodes SET properties = {4} WHERE organization_id = {1}.organization_id AND label_id = (SELECT "
      "c.collection_id FROM triune_collections c WHERE {2}) AND id = {1}.{3} AND properties IS DISTINCT FROM {4}; "
      "INSERT INTO triune_nodes (organization_id, label_id, id, properties) SELECT {1}.organization_id, "
      "c.collection_id, {1}.{3}, {0} FROM triune_collections c WHERE {2} AND NOT EXISTS (SELECT 1 FROM triune_nodes n "
      "WHERE n.organization_id = {1}.organization_id AND n.label_id = c.collection_id AND n.id = {1}.{3});",
      json, row, label, id, node.shared ? merged(dialect, "properties", json) : json);
}

/// FROM of the type and both ends of the edge that `row` is.
std::string ends(Dialect dialect, const GraphEdge& edge, std::string_view row) {
  const std::string_view join = dialect == Dialect::sqlite ? "CROSS JOIN" : "JOIN";
  const auto end = [&](std::string_view label_name, std::string_view name, const std::string& label,
                       const std::string& column) {
    return fmt::format(
        " {4} triune_collections {0} ON {1} {4} triune_nodes {2} ON {2}.organization_id = {3}.organization_id AND "
        "{2}.label_id = {0}.collection_id AND {2}.id = {3}.{5}",
        label_name, collection(label_name, row, "label", label), name, row, join, quote_identifier(column));
  };
  return "triune_collections t" + end("fl", "f", edge.from_label, edge.from_column) +
         end("gl", "g", edge.to_label, edge.to_column);
}

std::string put_edge(Dialect dialect, const GraphEdge& edge, std::string_view row) {
  const auto json = json_of(dialect, row, edge.properties);
  const auto from = ends(dialect, edge, row);
  const auto type = collection("t", row, "type", edge.type);
  // PostgreSQL is asked for the whole key by the conflict: it kept a plan for the anti-join from when there were no
  // edges, which read all of their type for each. In a trigger SQLite lets the outer statement decide about conflicts.
  const std::string_view unless_there = dialect == Dialect::postgres
                                            ? " ON CONFLICT (organization_id, type_id, from_node, to_node) DO NOTHING;"
                                            : " AND NOT EXISTS (SELECT 1 FROM triune_edges e WHERE e.organization_id = "
                                              "{}.organization_id AND e.type_id = "
                                              "t.collection_id AND e.from_node = f.node_id AND e.to_node = g.node_id);";
  auto sql = fmt::format(
      "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) SELECT {0}.organization_id, "
      "t.collection_id, f.node_id, g.node_id, {1} FROM {2} WHERE {3}{4}",
      row, json, from, type, fmt::format(fmt::runtime(unless_there), row));
  if (edge.makes_to_end)
    sql = fmt::format(
              "INSERT INTO triune_nodes (organization_id, label_id, id, properties) SELECT {0}.organization_id, "
              "c.collection_id, {0}.{1}, '{{}}' FROM triune_collections c WHERE {2} AND {0}.{1} IS NOT NULL AND NOT "
              "EXISTS "
              "(SELECT 1 FROM triune_nodes n WHERE n.organization_id = {0}.organization_id AND n.label_id = "
              "c.collection_id AND n.id = {0}.{1}); ",
              row, quote_identifier(edge.to_column), collection("c", row, "label", edge.to_label)) +
          sql;
  if (edge.properties.empty()) return sql;
  return fmt::format(
             "UPDATE triune_edges SET properties = {0} WHERE organization_id = {1}.organization_id AND properties IS "
             "DISTINCT FROM {0} AND (type_id, from_node, to_node) IN (SELECT t.collection_id, f.node_id, g.node_id "
             "FROM "
             "{2} WHERE {3}); ",
             json, row, from, type) +
         sql;
}

/// Unless another row has the same ends.
std::string remove_edge(Dialect dialect, const GraphEdge& edge, std::string_view row) {
  const auto table = quote_identifier(edge.table);
  const auto from = quote_identifier(edge.from_column);
  const auto to = quote_identifier(edge.to_column);
  return fmt::format(
      "DELETE FROM triune_edges WHERE organization_id = {0}.organization_id AND (type_id, from_node, to_node) IN "
      "(SELECT t.collection_id, f.node_id, g.node_id FROM {1} WHERE {2}) AND NOT EXISTS (SELECT 1 FROM {3} o WHERE "
      "o.organization_id = {0}.organization_id AND o.{4} = {0}.{4} AND o.{5} = {0}.{5});",
      row, ends(dialect, edge, row), collection("t", row, "type", edge.type), table, from, to);
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
  const auto id = quote_identifier(node.id);
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
  triggers.push_back(row_trigger(
      dialect,
      {.name = base + "_delete",
       .when = "AFTER DELETE",
       .table = node.table,
       .condition = old_where,
       .body = fmt::format("DELETE FROM triune_nodes WHERE organization_id = old.organization_id AND id = old.{} AND "
                           "label_id = (SELECT c.collection_id FROM triune_collections c WHERE {});",
                           id, collection("c", "old", "label", node.label))}));
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
      "triune_nodes.node_id = new.node_id AND triune_nodes.properties IS DISTINCT FROM {0};",
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
                                .body = remove_edge(dialect, edge, "old") + " " + put_edge(dialect, edge, "new")}),
          row_trigger(dialect, {.name = base + "_delete",
                                .when = "AFTER DELETE",
                                .table = edge.table,
                                .condition = both("old"),
                                .body = remove_edge(dialect, edge, "old")})};
}

std::string fill_nodes(Dialect dialect, const GraphNode& node) {
  auto where = node.where;
  for (std::size_t at = 0; (at = where.find("new.", at)) != std::string::npos; at += 2) where.replace(at, 3, "r");
  return fmt::format(
      "INSERT INTO triune_nodes (organization_id, label_id, id, properties) SELECT r.organization_id, c.collection_id, "
      "r.{0}, {1} FROM {2} r JOIN triune_collections c ON {3} WHERE r.organization_id = ?1{4} AND NOT EXISTS (SELECT 1 "
      "FROM triune_nodes n WHERE n.organization_id = r.organization_id AND n.label_id = c.collection_id AND n.id = "
      "r.{0})",
      quote_identifier(node.id), json_of(dialect, "r", node.properties), quote_identifier(node.table),
      collection("c", "r", "label", node.label), where.empty() ? "" : " AND (" + where + ")");
}

std::string fill_edges(Dialect dialect, const GraphEdge& edge) {
  const std::string_view join = dialect == Dialect::sqlite ? "CROSS JOIN" : "JOIN";
  // Of rows with the same ends one is as good as another.
  return fmt::format(
      "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) SELECT r.organization_id, "
      "t.collection_id, f.node_id, g.node_id, min({0}) FROM {1} r {2} {3} WHERE r.organization_id = ?1 AND {4} AND NOT "
      "EXISTS (SELECT 1 FROM triune_edges e WHERE e.organization_id = r.organization_id AND e.type_id = "
      "t.collection_id "
      "AND e.from_node = f.node_id AND e.to_node = g.node_id) GROUP BY 1, 2, 3, 4",
      json_of(dialect, "r", edge.properties), quote_identifier(edge.table), join,
      fmt::format("{}", ends(dialect, edge, "r"))
          .insert(std::string("triune_collections t").size(), " ON " + collection("t", "r", "type", edge.type)),
      "true");
}

}  // namespace triune::modules
