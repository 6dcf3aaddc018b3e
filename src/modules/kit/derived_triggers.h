// Triggers that a module does not write by hand: they are made from its declaration and from the columns of its tables.
#pragma once

#include <string>
#include <vector>

#include "contract/relational_store.h"
#include "modules/kit/module_definition.h"

namespace triune::modules {

/// One trigger. In PostgreSQL its function has its name.
struct DerivedTrigger {
  std::string name;
  std::string table;
  std::string create;  ///< Statements; they replace what is there under the name.
};

/// What a trigger is made of; `body` are statements that both dialects take.
struct TriggerParts {
  std::string name;
  std::string when;  ///< "AFTER INSERT".
  std::string table;
  std::string condition;  ///< Over `old` and `new`; empty: always.
  std::string body;
};

/// For each row.
DerivedTrigger row_trigger(contract::Dialect dialect, const TriggerParts& parts);

/// Each change of a row as an entry of triune_audit_log, with the columns that differ.
std::vector<DerivedTrigger> audit_triggers(contract::Dialect dialect, const AuditedTable& table,
                                           const std::vector<contract::ColumnDescription>& columns);

/// Rows as nodes, and as edges, of the organization that they belong to. A new row is a node first: its edges need it.
std::vector<DerivedTrigger> insert_triggers(contract::Dialect dialect, const ModuleDefinition& definition);
/// What changes and ends them.
std::vector<DerivedTrigger> node_triggers(contract::Dialect dialect, const GraphNode& node);
/// What keeps a node whole that a row and a user write (GraphNode::shared).
std::vector<DerivedTrigger> shared_node_triggers(contract::Dialect dialect, const GraphNode& node);
std::vector<DerivedTrigger> edge_triggers(contract::Dialect dialect, const GraphEdge& edge);

/// Makes nodes, or edges, of the rows of one organization (?1) that are none yet.
std::string fill_nodes(contract::Dialect dialect, const GraphNode& node);
std::string fill_edges(contract::Dialect dialect, const GraphEdge& edge);

}  // namespace triune::modules
