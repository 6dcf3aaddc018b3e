// A batch sorted by table, as it is written.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "contract/graph_rules.h"

namespace triune::adapters::kuzu {

/// (edge type, label of the start, label of the end): one table of Kuzu inside the type.
struct EdgeTable {
  std::string type;
  std::string from;
  std::string to;
  auto operator<=>(const EdgeTable&) const = default;
};

struct SortedBatch {
  std::map<std::string, std::vector<const PutNode*>> put_nodes;
  std::map<EdgeTable, std::vector<const PutEdge*>> put_edges;
  std::map<std::string, std::vector<std::string>> delete_nodes;
  std::map<EdgeTable, std::vector<const EdgeReference*>> delete_edges;
};

/// Sorts a checked batch. Deletes of what no table can hold are dropped. The result points into `batch`.
SortedBatch sort_batch(const contract::GraphBatch& batch, const contract::KnownSchema& known);

}  // namespace triune::adapters::kuzu
