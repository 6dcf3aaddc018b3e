// Communities by the method of Louvain (Blondel et al., 2008): nodes move to the neighbouring group that gains most
// modularity until none gains, groups become nodes, and so on.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "adapters/kuzu/adjacency.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

/// A group for each node. Directions are ignored. The same graph always gives the same groups. `go_on` is asked now and
/// then; its error ends the work.
Result<std::vector<std::uint32_t>> find_communities(const Adjacency& graph, const std::function<Status()>& go_on);

}  // namespace triune::adapters::kuzu
