// The questions of the contract, answered in the way that is easiest to believe. No care is taken of speed.
#pragma once

#include <vector>

#include "adapters/memory/graph_data.h"
#include "contract/graph_store.h"
#include "triune/query.h"

namespace triune::adapters::memory {

std::vector<Neighbor> find_neighbors(const GraphData& graph, const NeighborsQuery& query);
Path find_shortest_path(const GraphData& graph, const PathQuery& query);
Result<std::uint64_t> count_walks(const GraphData& graph, const PathCountQuery& query);
std::vector<contract::NodeScore> analyze(const GraphData& graph, const contract::GraphAnalysis& analysis);

}  // namespace triune::adapters::memory
