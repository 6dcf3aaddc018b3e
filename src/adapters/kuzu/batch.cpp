#include "adapters/kuzu/batch.h"

namespace triune::adapters::kuzu {

SortedBatch sort_batch(const contract::GraphBatch& batch, const contract::KnownSchema& known) {
  const auto table = [](const EdgeReference& edge) { return EdgeTable{edge.type, edge.from.label, edge.to.label}; };
  SortedBatch sorted;
  for (const auto& put : batch.put_nodes) sorted.put_nodes[put.node.label].push_back(&put);
  for (const auto& put : batch.put_edges) sorted.put_edges[table(put.edge)].push_back(&put);
  for (const auto& node : batch.delete_nodes)
    if (known.label(node.label) != nullptr) sorted.delete_nodes[node.label].push_back(node.id);
  for (const auto& edge : batch.delete_edges)
    if (known.allows(edge)) sorted.delete_edges[table(edge)].push_back(&edge);
  return sorted;
}

}  // namespace triune::adapters::kuzu
