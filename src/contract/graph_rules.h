// What every graph engine refuses, in one place, so that all refuse alike (I10).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "contract/graph_store.h"

namespace triune::contract {

/// The labels and types that an engine holds, by name.
struct KnownSchema {
  std::map<std::string, NodeLabel, std::less<>> labels;
  std::map<std::string, EdgeType, std::less<>> types;

  /// The label or type of that name, or nullptr.
  [[nodiscard]] const NodeLabel* label(std::string_view name) const;
  [[nodiscard]] const EdgeType* type(std::string_view name) const;
  /// Whether edges of the type may go from one label to the other.
  [[nodiscard]] bool allows(const EdgeReference& edge) const;
};

/// The property of that name, or nullptr.
const PropertyDefinition* find_property(const std::vector<PropertyDefinition>& properties, std::string_view name);

/// `wanted` can be added to `known`: else `invalid_argument` (a name given twice, a property called `id`, an end whose
/// label is in neither) or `conflict` (a property of another type).
Status check_schema(const KnownSchema& known, const GraphSchema& wanted);

/// The node fits its label, the edge its type: else `invalid_argument`. Integers fit a float64, NULL fits all and needs
/// no definition; texts and ids are UTF-8 of at most `max_text_bytes`.
Status check_node(const PutNode& node, const KnownSchema& known, std::uint64_t max_text_bytes);
Status check_edge(const PutEdge& edge, const KnownSchema& known, std::uint64_t max_text_bytes);

/// Every put fits, and no key is twice in one of the lists. Deletes of what the schema does not know are no error:
/// there is nothing to delete.
Status check_batch(const GraphBatch& batch, const KnownSchema& known, std::uint64_t max_text_bytes);

/// The bounds of the question: depth 1 to 10, at least one node; length 1 to 30; length 1 to 5. Else
/// `invalid_argument`.
Status check_query(const NeighborsQuery& query);
Status check_query(const PathQuery& query);
Status check_query(const PathCountQuery& query);

/// The labels and types exist: else `invalid_argument`.
Status check_analysis(const GraphAnalysis& analysis, const KnownSchema& known);

/// "node Person:'ann'", "edge KNOWS from node … to node …", for messages.
std::string describe(const NodeReference& node);
std::string describe(const EdgeReference& edge);

/// The refusal of an edge whose end does not exist.
std::string missing_end_message(const NodeReference& end);

}  // namespace triune::contract
