#include "hive/postgres_definitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "hive/postgres_objects.h"
#include "model/sql_text.h"

namespace triune::hive::postgres {
namespace {

using model::quote_identifier;
using model::quote_literal;

std::string as_text(std::string_view row, std::string_view column) {
  return fmt::format("CAST({}.{} AS text)", row, quote_identifier(column));
}

/// The key of a row in the change log: without a primary key, something that equal rows share.
std::string key_of(std::string_view row, const TableShape& shape) {
  const auto key = shape.key();
  if (key.empty()) return fmt::format("md5(CAST({} AS text))", row);
  if (key.size() == 1) return as_text(row, key[0]);
  std::string parts;
  for (const auto& column : key)
    parts += fmt::format("{}{}.{}", parts.empty() ? "" : ", ", row, quote_identifier(column));
  return fmt::format("CAST(json_build_array({}) AS text)", parts);
}

/// Columns as a JSON object, sorted by name.
std::string as_json(std::string_view row, std::vector<std::string> columns) {
  std::sort(columns.begin(), columns.end());
  std::string parts;
  for (const auto& column : columns)
    parts +=
        fmt::format("{}{}, {}.{}", parts.empty() ? "" : ", ", quote_literal(column), row, quote_identifier(column));
  return fmt::format("CAST(json_build_object({}) AS text)", parts);
}

/// Whether a column's text is the same in every session, so that an index may hold it.
bool has_stable_text(const TableShape& shape, std::string_view column) {
  constexpr std::array<std::string_view, 5> types{"INTEGER", "BIGINT", "TEXT", "uuid", "boolean"};
  const auto* const found = shape.column(column);
  return found != nullptr && std::find(types.begin(), types.end(), found->type) != types.end();
}

/// The statements of an edge mapping. Rows are joined to the nodes that they name.
class EdgeStatements {
 public:
  EdgeStatements(const EdgeNumbers& numbers, const EdgeMapping& mapping) : numbers_(numbers), mapping_(mapping) {}

  /// Edges of the rows of `from` (alias r); `conflict` says what becomes of those that are there.
  [[nodiscard]] std::string put(std::string_view from, std::string_view conflict) const {
    return fmt::format(
        "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) "
        "SELECT DISTINCT ON (f.node_id, t.node_id) CAST({0} AS bigint), CAST({1} AS bigint), f.node_id, t.node_id, {2} "
        "FROM {3} {4} ON CONFLICT (organization_id, type_id, from_node, to_node) {5};",
        numbers_.organization, numbers_.type, as_json("r", mapping_.properties), from, join_ends("r"), conflict);
  }
  [[nodiscard]] std::string put_new() const {
    return put("new_rows r",
               "DO UPDATE SET properties = excluded.properties "
               "WHERE triune_edges.properties IS DISTINCT FROM excluded.properties");
  }
  /// Removes the edges of the pairs of ends in `gone`, and puts back those that another row of the table still has.
  [[nodiscard]] std::string take_back(std::string_view gone) const {
    const auto table = quote_identifier(mapping_.table);
    const auto from = quote_identifier(mapping_.from_column);
    const auto to = quote_identifier(mapping_.to_column);
    const auto remove = fmt::format(
        "DELETE FROM triune_edges e USING (SELECT f.node_id AS from_node, t.node_id AS to_node FROM {0} o {1}) x "
        "WHERE e.organization_id = {2} AND e.type_id = {3} AND e.from_node = x.from_node AND e.to_node = x.to_node; ",
        gone, join_ends("o"), numbers_.organization, numbers_.type);
    return remove + put(fmt::format("{0} r JOIN (SELECT DISTINCT g.{2}, g.{3} FROM {1} g) o ON r.{2} = o.{2} "
                                    "AND r.{3} = o.{3}",
                                    table, gone, from, to),
                        "DO NOTHING");
  }
  /// Pairs of ends that an UPDATE left.
  [[nodiscard]] std::string left_pairs() const {
    const auto columns =
        fmt::format("{}, {}", quote_identifier(mapping_.from_column), quote_identifier(mapping_.to_column));
    return fmt::format("(SELECT {0} FROM old_rows EXCEPT SELECT {0} FROM new_rows)", columns);
  }
  /// After nodes came: the rows that were waiting for an end of theirs.
  [[nodiscard]] std::string put_waiting(std::string_view column, std::int64_t label) const {
    // The table may have been dropped by another program, which must not keep nodes from being written.
    return fmt::format(
        "IF EXISTS (SELECT 1 FROM new_rows WHERE organization_id = {0} AND label_id = {1}) "
        "AND to_regclass({2}) IS NOT NULL THEN {3} END IF;",
        numbers_.organization, label, quote_literal(quote_identifier(mapping_.table)),
        put(fmt::format("(SELECT * FROM new_rows n WHERE n.organization_id = {} AND n.label_id = {}) n JOIN {} r "
                        "ON {} = n.id",
                        numbers_.organization, label, quote_identifier(mapping_.table), as_text("r", column)),
            "DO NOTHING"));
  }

 private:
  [[nodiscard]] std::string join_ends(std::string_view row) const {
    return fmt::format(
        "JOIN triune_nodes f ON f.organization_id = {0} AND f.label_id = {1} AND f.id = {2} "
        "JOIN triune_nodes t ON t.organization_id = {0} AND t.label_id = {3} AND t.id = {4}",
        numbers_.organization, numbers_.from_label, as_text(row, mapping_.from_column), numbers_.to_label,
        as_text(row, mapping_.to_column));
  }

  const EdgeNumbers& numbers_;
  const EdgeMapping& mapping_;
};

/// The index by which rows that name a node are found.
SchemaObject end_index(const std::string& name, const EdgeMapping& mapping, const TableShape& shape,
                       const std::string& column) {
  const auto expression = fmt::format("CAST({} AS text)", quote_identifier(column));
  return index(name, mapping.table, "btree",
               has_stable_text(shape, column) ? "(" + expression + ")" : quote_identifier(column));
}

}  // namespace

std::vector<SchemaObject> capture_objects(const TableShape& shape, std::int64_t organization, std::int64_t collection) {
  const auto base = "triune_capture_" + shape.name;
  const auto log = [&](std::string_view operation, const std::string& keys) {
    return fmt::format(
        "INSERT INTO triune_change_log (organization_id, collection_id, key, operation) "
        "SELECT {}, {}, k.key, '{}' FROM ({}) AS k (key);",
        organization, collection, operation, keys);
  };
  const auto old_keys = fmt::format("SELECT {} FROM old_rows o", key_of("o", shape));
  const auto new_keys = fmt::format("SELECT {} FROM new_rows n", key_of("n", shape));
  return {
      statement_trigger(base + "_insert", Event::inserted, shape.name, log("put", new_keys)),
      statement_trigger(base + "_update", Event::updated, shape.name,
                        log("delete", old_keys + " EXCEPT " + new_keys) + " " + log("put", new_keys)),
      statement_trigger(base + "_delete", Event::deleted, shape.name, log("delete", old_keys)),
      statement_trigger(base + "_truncate", Event::truncated, shape.name, log("load", "SELECT CAST(NULL AS text)"))};
}

DefinitionSql node_sql(std::int64_t organization, std::int64_t label, const NodeMapping& mapping,
                       const std::string& key, const std::vector<std::string>& columns) {
  const auto base = fmt::format("triune_node_{}_{}", organization, mapping.label);
  const auto put_from = [&](std::string_view rows) {
    return fmt::format(
        "INSERT INTO triune_nodes (organization_id, label_id, id, properties) SELECT {}, {}, {}, {} FROM {} r "
        "WHERE r.{} IS NOT NULL ON CONFLICT (organization_id, label_id, id) DO UPDATE SET properties = "
        "excluded.properties WHERE triune_nodes.properties IS DISTINCT FROM excluded.properties;",
        organization, label, as_text("r", key), as_json("r", columns), rows, quote_identifier(key));
  };
  const auto clear =
      fmt::format("DELETE FROM triune_nodes WHERE organization_id = {} AND label_id = {}", organization, label);
  const auto old_ids = fmt::format("SELECT {} FROM old_rows o", as_text("o", key));
  const auto left_ids = fmt::format("{} EXCEPT SELECT {} FROM new_rows n", old_ids, as_text("n", key));
  const auto fill = put_from(quote_identifier(mapping.table));
  return {.base = base,
          .objects = {statement_trigger(base + "_insert", Event::inserted, mapping.table, put_from("new_rows")),
                      statement_trigger(base + "_update", Event::updated, mapping.table,
                                        fmt::format("{} AND id IN ({}); {}", clear, left_ids, put_from("new_rows"))),
                      statement_trigger(base + "_delete", Event::deleted, mapping.table,
                                        fmt::format("{} AND id IN ({});", clear, old_ids)),
                      statement_trigger(base + "_truncate", Event::truncated, mapping.table, clear + ";")},
          .fill = fill,
          .refresh = fill,
          .clear = clear + ";"};
}

DefinitionSql edge_sql(const EdgeNumbers& numbers, const EdgeMapping& mapping, const TableShape& shape) {
  const auto base = fmt::format("triune_edge_{}_{}", numbers.organization, mapping.type);
  const EdgeStatements statements(numbers, mapping);
  const auto clear = fmt::format("DELETE FROM triune_edges WHERE organization_id = {} AND type_id = {};",
                                 numbers.organization, numbers.type);
  return {
      .base = base,
      .objects = {end_index(base + "_from", mapping, shape, mapping.from_column),
                  end_index(base + "_to", mapping, shape, mapping.to_column),
                  statement_trigger(base + "_insert", Event::inserted, mapping.table, statements.put_new()),
                  statement_trigger(base + "_update", Event::updated, mapping.table,
                                    statements.take_back(statements.left_pairs()) + " " + statements.put_new()),
                  statement_trigger(base + "_delete", Event::deleted, mapping.table, statements.take_back("old_rows")),
                  statement_trigger(base + "_truncate", Event::truncated, mapping.table, clear),
                  statement_trigger(base + "_from_end", Event::inserted, "triune_nodes",
                                    statements.put_waiting(mapping.from_column, numbers.from_label)),
                  statement_trigger(base + "_to_end", Event::inserted, "triune_nodes",
                                    statements.put_waiting(mapping.to_column, numbers.to_label))},
      .fill = statements.put(quote_identifier(mapping.table) + " r", "DO NOTHING"),
      .refresh = {},
      .clear = clear};
}

std::string indexed_text(const TextIndex& index, std::string_view prefix) {
  std::string text;
  for (const auto& column : index.columns)
    text += fmt::format("{}coalesce(CAST({}{} AS text), '')", text.empty() ? "" : " || ' ' || ", prefix,
                        quote_identifier(column));
  return text;
}

std::string indexed_words(const TextIndex& index, std::string_view prefix) {
  return fmt::format("triune_words({})", indexed_text(index, prefix));
}

DefinitionSql text_sql(std::int64_t organization, const TextIndex& index) {
  const auto base = fmt::format("triune_text_{}_{}", organization, index.name);
  return {.base = base,
          .objects = {postgres::index(base + "_words", index.table, "gin", indexed_words(index, ""))},
          .fill = {},
          .refresh = {},
          .clear = {}};
}

}  // namespace triune::hive::postgres
