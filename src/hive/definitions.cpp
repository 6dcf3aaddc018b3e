#include "hive/definitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "hive/tables.h"
#include "model/json.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using contract::PropertyType;
using model::quote_identifier;
using model::quote_literal;
using projection::CollectionKind;

/// True when the same definition is there already; `conflict` when another one is.
Result<bool> exists(const DefinitionContext& context, std::string_view kind, std::string_view name,
                    std::string_view definition) {
  const std::array<Value, 3> parameters{context.organization_id, std::string(kind), std::string(name)};
  TRIUNE_ASSIGN(const RowSet rows, context.session.query("SELECT definition FROM triune_definitions "
                                                         "WHERE organization_id = ?1 AND kind = ?2 AND name = ?3",
                                                         parameters, 1));
  if (rows.rows.empty()) return false;
  if (std::get<std::string>(rows.rows[0][0]) == definition) return true;
  return failure(ErrorCode::conflict, fmt::format("{} {} is defined already, and differently: {}", kind, name,
                                                  std::get<std::string>(rows.rows[0][0])));
}

Status record(const DefinitionContext& context, std::string_view kind, std::string_view name, std::string_view table,
              std::string definition) {
  const std::array<Value, 5> parameters{context.organization_id, std::string(kind), std::string(name),
                                        std::string(table), std::move(definition)};
  TRIUNE_TRY(
      context.session.execute("INSERT INTO triune_definitions (organization_id, kind, name, table_name, definition) "
                              "VALUES (?1, ?2, ?3, ?4, ?5)",
                              parameters));
  return {};
}

std::string json_list(const std::vector<std::string>& names) {
  std::string json = "[";
  for (const auto& name : names) json += (json.size() > 1 ? "," : "") + model::json_string(name);
  return json + "]";
}

Status check_column(const TableShape& shape, std::string_view column) {
  if (shape.column(column) != nullptr) return {};
  return failure(ErrorCode::invalid_argument, fmt::format("table {} has no column {}", shape.name, column));
}

Result<std::string> single_key(const TableShape& shape) {
  const auto key = shape.key();
  if (key.size() == 1) return key[0];
  return failure(ErrorCode::invalid_argument,
                 fmt::format("table {} needs a primary key of one column, it has {}", shape.name, key.size()));
}

/// Registers the types of columns that can hold nothing else; of the others the projector learns from the values.
Status register_columns(const DefinitionContext& context, std::int64_t collection_id, const TableShape& shape,
                        const std::vector<std::string>& columns) {
  Record examples;
  for (const auto& name : columns) {
    const auto& type = shape.column(name)->type;
    if (type == "INTEGER" || type == "INT") examples.push_back({name, std::int64_t{0}});
    if (type == "REAL") examples.push_back({name, 0.0});
    if (type == "TEXT") examples.push_back({name, std::string()});
  }
  return context.catalog.properties(collection_id, examples);
}

std::string trigger(std::string_view name, std::string_view when, std::string_view table, std::string_view body) {
  return fmt::format("CREATE TRIGGER {} AFTER {} ON {} BEGIN {} END;\n", quote_identifier(name), when,
                     quote_identifier(table), body);
}

/// Update-or-insert without ON CONFLICT: the conflict clause of an outer statement (INSERT OR REPLACE) would override
/// it.
std::string put_node_sql(std::int64_t organization, std::int64_t label, const std::string& id,
                         const std::string& json) {
  return fmt::format(
      "UPDATE triune_nodes SET properties = {3} WHERE organization_id = {0} AND label_id = {1} AND id = {2} "
      "AND properties IS NOT {3}; "
      "INSERT INTO triune_nodes (organization_id, label_id, id, properties) SELECT {0}, {1}, {2}, {3} "
      "WHERE NOT EXISTS (SELECT 1 FROM triune_nodes WHERE organization_id = {0} AND label_id = {1} AND id = {2});",
      organization, label, id, json);
}

std::string delete_node_sql(std::int64_t organization, std::int64_t label, const std::string& id) {
  return fmt::format("DELETE FROM triune_nodes WHERE organization_id = {} AND label_id = {} AND id = {}", organization,
                     label, id);
}

struct EdgeSql {
  std::int64_t organization;
  std::int64_t type;
  std::int64_t from_label;
  std::int64_t to_label;
  const EdgeMapping& mapping;

  [[nodiscard]] std::string ends(std::string_view row) const {
    return fmt::format(
        "triune_nodes f, triune_nodes t WHERE f.organization_id = {0} AND f.label_id = {1} AND f.id = {2} "
        "AND t.organization_id = {0} AND t.label_id = {3} AND t.id = {4}",
        organization, from_label, column_as_id(row, mapping.from_column), to_label,
        column_as_id(row, mapping.to_column));
  }
  [[nodiscard]] std::string properties(std::string_view row) const { return columns_as_json(row, mapping.properties); }
  [[nodiscard]] std::string remove(std::string_view row) const {
    return fmt::format(
        "DELETE FROM triune_edges WHERE organization_id = {} AND type_id = {} "
        "AND (from_node, to_node) IN (SELECT f.node_id, t.node_id FROM {});",
        organization, type, ends(row));
  }
  [[nodiscard]] std::string put(std::string_view row) const {
    return fmt::format(
        "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) "
        "SELECT {0}, {1}, f.node_id, t.node_id, {2} FROM {3} AND NOT EXISTS (SELECT 1 FROM triune_edges e "
        "WHERE e.organization_id = {0} AND e.type_id = {1} AND e.from_node = f.node_id AND e.to_node = t.node_id); "
        "UPDATE triune_edges SET properties = {2} WHERE organization_id = {0} AND type_id = {1} "
        "AND (from_node, to_node) IN (SELECT f.node_id, t.node_id FROM {3}) AND properties IS NOT {2};",
        organization, type, properties(row), ends(row));
  }
  /// From the rows of the table that satisfy `condition` on `r`; the edges must not be there.
  [[nodiscard]] std::string put_from_table(std::string_view condition, std::string_view limit = "") const {
    return fmt::format(
        "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) "
        "SELECT {0}, {1}, f.node_id, t.node_id, {2} FROM {5} r, {3} AND {4} AND NOT EXISTS (SELECT 1 FROM triune_edges "
        "e "
        "WHERE e.organization_id = {0} AND e.type_id = {1} AND e.from_node = f.node_id AND e.to_node = t.node_id) "
        "GROUP BY f.node_id, t.node_id{6};",
        organization, type, properties("r"), ends("r"), condition, quote_identifier(mapping.table), limit);
  }
  [[nodiscard]] std::string same_ends(std::string_view row) const {
    return fmt::format("r.{0} = {2}.{0} AND r.{1} = {2}.{1}", quote_identifier(mapping.from_column),
                       quote_identifier(mapping.to_column), row);
  }
};

std::string edge_triggers(const EdgeSql& sql) {
  const auto& mapping = sql.mapping;
  const auto name = [&](std::string_view what) {
    return fmt::format("triune_edge_{}_{}_{}", sql.organization, mapping.type, what);
  };
  const auto index = [&](std::string_view what, const std::string& columns) {
    return fmt::format("CREATE INDEX {} ON {} ({});\n", quote_identifier(name(what)), quote_identifier(mapping.table),
                       columns);
  };
  // Another row may have the same ends: then the edge stays, with that row's properties.
  const auto replace_old = sql.remove("old") + " " + sql.put_from_table(sql.same_ends("old"), " LIMIT 1");
  const auto waiting = [&](std::string_view column) {
    return sql.put_from_table(fmt::format("r.{} = new.id", quote_identifier(column)));
  };
  return index("from", quote_identifier(mapping.from_column) + ", " + quote_identifier(mapping.to_column)) +
         index("to", quote_identifier(mapping.to_column)) +
         trigger(name("insert"), "INSERT", mapping.table, sql.put("new")) +
         trigger(name("update"), "UPDATE", mapping.table, replace_old + " " + sql.put("new")) +
         trigger(name("delete"), "DELETE", mapping.table, replace_old) +
         // An end that arrives after its rows.
         fmt::format(
             "CREATE TRIGGER {} AFTER INSERT ON triune_nodes WHEN new.organization_id = {} AND new.label_id = {} "
             "BEGIN {} END;\n",
             quote_identifier(name("from_end")), sql.organization, sql.from_label, waiting(mapping.from_column)) +
         fmt::format(
             "CREATE TRIGGER {} AFTER INSERT ON triune_nodes WHEN new.organization_id = {} AND new.label_id = {} "
             "BEGIN {} END;\n",
             quote_identifier(name("to_end")), sql.organization, sql.to_label, waiting(mapping.to_column));
}

Status check_empty(const DefinitionContext& context, std::string_view table, std::string_view column,
                   std::int64_t collection, std::string_view what) {
  const std::array<Value, 2> parameters{context.organization_id, collection};
  TRIUNE_ASSIGN(const RowSet rows,
                context.session.query(
                    fmt::format("SELECT 1 FROM {} WHERE organization_id = ?1 AND {} = ?2 LIMIT 1", table, column),
                    parameters, 1));
  if (rows.rows.empty()) return {};
  return failure(
      ErrorCode::conflict,
      fmt::format("{} exists already, written as changes; a table can only be mapped to a name of its own", what));
}

}  // namespace

Status check_not_mapped(contract::RelationalSession& session, std::int64_t organization_id, std::string_view kind,
                        std::string_view name) {
  const std::array<Value, 3> parameters{organization_id, std::string(kind), std::string(name)};
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT table_name FROM triune_definitions "
                                                 "WHERE organization_id = ?1 AND kind = ?2 AND name = ?3",
                                                 parameters, 1));
  if (rows.rows.empty()) return {};
  return failure(ErrorCode::invalid_argument, fmt::format("{} is mapped from table {}; change its rows instead", name,
                                                          std::get<std::string>(rows.rows[0][0])));
}

Status define(const DefinitionContext& context, const NodeMapping& mapping) {
  TRIUNE_TRY(check_user_table(mapping.table));
  const auto definition = fmt::format(R"({{"table":{},"label":{},"properties":{}}})", model::json_string(mapping.table),
                                      model::json_string(mapping.label), json_list(mapping.properties));
  TRIUNE_ASSIGN(const bool known, exists(context, "node_mapping", mapping.label, definition));
  if (known) return {};
  TRIUNE_ASSIGN(const TableShape shape, describe_table(context.session, mapping.table));
  TRIUNE_ASSIGN(const std::string key, single_key(shape));
  auto columns = mapping.properties;
  for (const auto& column : columns) TRIUNE_TRY(check_column(shape, column));
  if (columns.empty())
    for (const auto& column : shape.columns)
      if (column.name != key) columns.push_back(column.name);
  std::erase(columns, "id");  // the node's own id has that name
  TRIUNE_ASSIGN(const std::int64_t label,
                context.catalog.collection(context.organization_id, CollectionKind::label, mapping.label));
  TRIUNE_TRY(check_empty(context, "triune_nodes", "label_id", label, fmt::format("label {}", mapping.label)));
  TRIUNE_TRY(register_columns(context, label, shape, columns));

  const auto organization = context.organization_id;
  const auto name = [&](std::string_view what) {
    return fmt::format("triune_node_{}_{}_{}", organization, mapping.label, what);
  };
  const auto new_id = column_as_id("new", key);
  const auto old_id = column_as_id("old", key);
  const auto put = put_node_sql(organization, label, new_id, columns_as_json("new", columns));
  const auto remove = delete_node_sql(organization, label, old_id);
  TRIUNE_TRY(context.session.execute_script(
      trigger(name("insert"), "INSERT", mapping.table, put) +
      trigger(name("update"), "UPDATE", mapping.table,
              fmt::format("{} AND {} IS NOT {}; {}", remove, new_id, old_id, put)) +
      trigger(name("delete"), "DELETE", mapping.table, remove + ";") +
      fmt::format(
          "INSERT INTO triune_nodes (organization_id, label_id, id, properties) SELECT {}, {}, {}, {} FROM {} r "
          "WHERE r.{} IS NOT NULL;",
          organization, label, column_as_id("r", key), columns_as_json("r", columns), quote_identifier(mapping.table),
          quote_identifier(key))));
  return record(context, "node_mapping", mapping.label, mapping.table, definition);
}

Status define(const DefinitionContext& context, const EdgeMapping& mapping) {
  TRIUNE_TRY(check_user_table(mapping.table));
  const auto definition = fmt::format(
      R"({{"table":{},"type":{},"from_column":{},"from_label":{},"to_column":{},"to_label":{},"properties":{}}})",
      model::json_string(mapping.table), model::json_string(mapping.type), model::json_string(mapping.from_column),
      model::json_string(mapping.from_label), model::json_string(mapping.to_column),
      model::json_string(mapping.to_label), json_list(mapping.properties));
  TRIUNE_ASSIGN(const bool known, exists(context, "edge_mapping", mapping.type, definition));
  if (known) return {};
  TRIUNE_ASSIGN(const TableShape shape, describe_table(context.session, mapping.table));
  TRIUNE_TRY(check_column(shape, mapping.from_column));
  TRIUNE_TRY(check_column(shape, mapping.to_column));
  for (const auto& column : mapping.properties) TRIUNE_TRY(check_column(shape, column));
  const auto collection = [&](CollectionKind kind, const std::string& name) {
    return context.catalog.collection(context.organization_id, kind, name);
  };
  TRIUNE_ASSIGN(const std::int64_t type, collection(CollectionKind::type, mapping.type));
  TRIUNE_ASSIGN(const std::int64_t from_label, collection(CollectionKind::label, mapping.from_label));
  TRIUNE_ASSIGN(const std::int64_t to_label, collection(CollectionKind::label, mapping.to_label));
  TRIUNE_TRY(check_empty(context, "triune_edges", "type_id", type, fmt::format("edge type {}", mapping.type)));
  TRIUNE_TRY(context.catalog.edge_end(type, from_label, to_label));
  TRIUNE_TRY(register_columns(context, type, shape, mapping.properties));
  const EdgeSql sql{context.organization_id, type, from_label, to_label, mapping};
  TRIUNE_TRY(context.session.execute_script(edge_triggers(sql) + sql.put_from_table("true")));
  return record(context, "edge_mapping", mapping.type, mapping.table, definition);
}

Status define(const DefinitionContext& context, const TextIndex& index) {
  TRIUNE_TRY(check_user_table(index.table));
  const bool plain =
      !index.name.empty() && index.name.size() <= 64 && std::all_of(index.name.begin(), index.name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      });
  if (!plain || index.columns.empty())
    return failure(ErrorCode::invalid_argument,
                   "a text index needs a name of 1 to 64 letters, digits or _, and at least one column");
  const auto definition =
      fmt::format(R"({{"table":{},"columns":{}}})", model::json_string(index.table), json_list(index.columns));
  TRIUNE_ASSIGN(const bool known, exists(context, "text_index", index.name, definition));
  if (known) return {};
  TRIUNE_ASSIGN(const TableShape shape, describe_table(context.session, index.table));
  TRIUNE_ASSIGN(const std::string key, single_key(shape));
  std::string names;
  std::string new_values;
  std::string row_values;
  for (const auto& column : index.columns) {
    TRIUNE_TRY(check_column(shape, column));
    row_values += ", t." + quote_identifier(column);
    names += ", " + quote_identifier(column);
    new_values += ", new." + quote_identifier(column);
  }
  const auto base = fmt::format("triune_text_{}_{}", context.organization_id, index.name);
  const auto fts = quote_identifier(base);
  const auto rows =
      fmt::format("organization_id = {} AND index_name = {}", context.organization_id, quote_literal(index.name));
  const auto key_of = [&](std::string_view row) { return fmt::format("{}.{}", row, quote_identifier(key)); };
  const auto row_of = [&](std::string_view row) {
    return fmt::format("(SELECT text_row FROM triune_text_rows WHERE {} AND key = {})", rows, key_of(row));
  };
  // The index keeps the text itself: an INSERT OR REPLACE of another program fires no trigger for the row that goes,
  // and only an index with its content can then forget it.
  const auto remove = fmt::format("DELETE FROM {} WHERE rowid = {};", fts, row_of("old"));
  const auto forget = fmt::format("DELETE FROM triune_text_rows WHERE {} AND key = {};", rows, key_of("old"));
  const auto add = fmt::format(
      "INSERT INTO triune_text_rows (organization_id, index_name, key) SELECT {0}, {1}, {2} WHERE NOT EXISTS "
      "(SELECT 1 FROM triune_text_rows WHERE {3} AND key = {2}); DELETE FROM {4} WHERE rowid = {6}; "
      "INSERT INTO {4} (rowid{5}) SELECT {6}{7};",
      context.organization_id, quote_literal(index.name), key_of("new"), rows, fts, names, row_of("new"), new_values);
  TRIUNE_TRY(context.session.execute_script(
      fmt::format("CREATE VIRTUAL TABLE {} USING fts5({}, tokenize='unicode61 remove_diacritics 2');\n", fts,
                  names.substr(2)) +
      trigger(base + "_insert", "INSERT", index.table, add) +
      trigger(base + "_update", fmt::format("UPDATE OF {}{}", quote_identifier(key), names), index.table,
              remove + " " + forget + " " + add) +
      trigger(base + "_delete", "DELETE", index.table, remove + " " + forget) +
      fmt::format("INSERT INTO triune_text_rows (organization_id, index_name, key) SELECT {}, {}, {} FROM {};\n",
                  context.organization_id, quote_literal(index.name), quote_identifier(key),
                  quote_identifier(index.table)) +
      fmt::format("INSERT INTO {0} (rowid{1}) SELECT r.text_row{6} FROM triune_text_rows r JOIN {2} t ON t.{3} = r.key "
                  "WHERE r.organization_id = {4} AND r.index_name = {5};\n",
                  fts, names, quote_identifier(index.table), quote_identifier(key), context.organization_id,
                  quote_literal(index.name), row_values)));
  return record(context, "text_index", index.name, index.table, definition);
}

Status define(const DefinitionContext& context, const VectorCollection& collection) {
  if (collection.dimension < 1 || collection.dimension > 8192)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a collection has 1 to 8192 dimensions, not {}", collection.dimension));
  if (!collection.owner_table.empty()) {
    TRIUNE_ASSIGN(const TableShape shape, describe_table(context.session, collection.owner_table));
    TRIUNE_TRY(single_key(shape));
  }
  TRIUNE_ASSIGN(const std::int64_t id,
                context.catalog.collection(context.organization_id, CollectionKind::vector, collection.name));
  const std::array<Value, 4> parameters{id, std::int64_t{collection.dimension},
                                        std::string(to_string(collection.metric)), collection.owner_table};
  TRIUNE_TRY(
      context.session.execute("INSERT INTO triune_vector_collections (collection_id, dimension, metric, owner_table) "
                              "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (collection_id) DO NOTHING",
                              parameters));
  const std::array<Value, 1> key{id};
  TRIUNE_ASSIGN(const RowSet rows,
                context.session.query("SELECT dimension, metric, owner_table FROM triune_vector_collections "
                                      "WHERE collection_id = ?1",
                                      key, 1));
  const auto& row = rows.rows.at(0);
  if (row[0] == parameters[1] && row[1] == parameters[2] && row[2] == parameters[3]) return {};
  return failure(ErrorCode::conflict,
                 fmt::format("collection {} exists with {} dimensions, metric {} and owner table '{}'", collection.name,
                             to_text(row[0]), to_text(row[1]), to_text(row[2])));
}

}  // namespace triune::hive
