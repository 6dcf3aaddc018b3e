// Questions with a known shape, answered by walking the tables.
#pragma once

#include <cstdint>
#include <vector>

#include "adapters/kuzu/graph_reader.h"
#include "triune/query.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

/// Breadth first from the node; memory: a bit for each node of the graph, and the nodes found.
Result<std::vector<Neighbor>> find_neighbors(GraphReader& reader, const NeighborsQuery& query);

/// Breadth first from both ends, the smaller front next, until they meet.
Result<Path> find_shortest_path(GraphReader& reader, const PathQuery& query);

/// Sums over the edges instead of walking the paths. Over the whole graph this takes its `Adjacency` and 32 bytes for
/// each node, from one node a little for each node that can be reached. Error: `resource_exhausted` when a number does
/// not fit 64 bits.
Result<std::uint64_t> count_walks(GraphReader& reader, const PathCountQuery& query);

}  // namespace triune::adapters::kuzu
