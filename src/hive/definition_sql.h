// What mappings and text indexes are in SQL: the objects that keep them, and the statements that fill them.
//
// Everything is plain SQL without functions of ours, so that it also runs when another program writes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hive/replaced_rows.h"
#include "hive/schema_objects.h"
#include "hive/tables.h"
#include "triune/schema.h"

namespace triune::hive {

/// A table as the change log sees it.
std::vector<SchemaObject> capture_objects(const TableShape& shape, const std::vector<UniqueConstraint>& constraints,
                                          std::int64_t organization, std::int64_t collection);

/// Rows of a table as nodes.
struct NodeSql {
  std::int64_t organization = 0;
  std::int64_t label = 0;
  NodeMapping mapping;
  std::string key;
  std::vector<std::string> columns;  ///< That become properties.

  [[nodiscard]] std::string base() const;  ///< Prefix of the names of its objects.
  [[nodiscard]] std::vector<SchemaObject> objects(const TableShape& shape,
                                                  const std::vector<UniqueConstraint>& constraints) const;
  /// Makes the nodes of all rows; there must be none.
  [[nodiscard]] std::string fill() const;
  /// Mends the properties of nodes whose rows have other columns now.
  [[nodiscard]] std::string refresh() const;
  /// Removes all nodes, and their edges with them.
  [[nodiscard]] std::string clear() const;
};

/// Rows of a table as edges.
struct EdgeSql {
  std::int64_t organization = 0;
  std::int64_t type = 0;
  std::int64_t from_label = 0;
  std::int64_t to_label = 0;
  EdgeMapping mapping;

  [[nodiscard]] std::string base() const;
  [[nodiscard]] std::vector<SchemaObject> objects(const TableShape& shape,
                                                  const std::vector<UniqueConstraint>& constraints) const;
  [[nodiscard]] std::string fill() const;
  [[nodiscard]] std::string clear() const;

 private:
  [[nodiscard]] std::string ends_of(std::string_view from, std::string_view to) const;
  [[nodiscard]] std::string ends(std::string_view row) const;
  [[nodiscard]] std::string properties(std::string_view row) const;
  [[nodiscard]] std::string remove(std::string_view row) const;
  [[nodiscard]] std::string put(std::string_view row) const;
  [[nodiscard]] std::string put_from_table(std::string_view condition, std::string_view limit = "",
                                           std::string_view also_from = "") const;
  [[nodiscard]] std::string forget_replaced(const ReplacedRows& rows) const;
};

/// Columns of a table as searchable text.
struct TextSql {
  std::int64_t organization = 0;
  TextIndex index;
  std::string key;

  [[nodiscard]] std::string base() const;
  [[nodiscard]] std::vector<SchemaObject> objects(const TableShape& shape,
                                                  const std::vector<UniqueConstraint>& constraints) const;
  /// Makes the index and fills it.
  [[nodiscard]] std::string fill() const;
  /// Drops the index.
  [[nodiscard]] std::string clear() const;

 private:
  [[nodiscard]] std::string rows() const;
  [[nodiscard]] std::string columns(std::string_view prefix) const;
};

}  // namespace triune::hive
