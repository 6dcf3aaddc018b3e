// What a module declares; the kit derives the rest.
#pragma once

#include <string>
#include <vector>

namespace triune::modules {

/// A table whose every change is written to the audit log.
struct AuditedTable {
  std::string table;
  std::vector<std::string> key;            ///< Columns behind organization_id that tell the record, joined by '/'.
  std::vector<std::string> redacted = {};  ///< Columns whose values are not kept: secrets.
  /// Columns that follow from other rows, and whose changes are no entries of their own: counters, orders.
  std::vector<std::string> following = {};
  bool inserts = true;  ///< False: rows that tell themselves when they came are not repeated.
  /// A condition in the hive's dialect, not over the row, under which changes are told otherwise; empty: never.
  std::string told_otherwise = {};
};

/// Rows of a table that are nodes. The table has `organization_id` and an id that never changes.
struct GraphNode {
  std::string table;
  std::string label;
  std::vector<std::string> properties;  ///< Columns.
  std::string id = "id";
  std::string where;  ///< Over the row `new`; empty: every row. Never changes for a row.
  /// Users have nodes of their own under the label too. A row and a node with the same id are one node: properties of
  /// the row go first, others stay, whoever writes; and the node stays as long as the row (docs/decisions/0020).
  bool shared = false;
};

/// Rows of a table that are edges, as long as both ends exist. Several rows with the same ends are one edge; there is
/// an index on both columns, behind organization_id.
struct GraphEdge {
  std::string table;
  std::string type;
  std::string from_column;
  std::string from_label;
  std::string to_column;
  std::string to_label;
  std::vector<std::string> properties = {};  ///< Columns.
  bool makes_to_end = false;  ///< The second node is made when it is missing: a name that no module has registered yet.
};

/// A module: a series of migrations (schema/DIALECT/modules/SERIES) and what is derived from its tables.
struct ModuleDefinition {
  std::string series;
  std::vector<std::string> needs;  ///< Series of other modules that its tables refer to, in the order of their making.
  std::vector<AuditedTable> audited;
  std::vector<GraphNode> nodes;
  std::vector<GraphEdge> edges;
};

}  // namespace triune::modules
