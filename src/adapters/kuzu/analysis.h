// PageRank, components and communities.
//
// Kuzu has these as procedures; they take ten seconds and hundreds of megabytes of its buffer pool where the same over
// an `Adjacency` takes one second and 12 bytes an edge (measured at 1M nodes and 5M edges).
#pragma once

#include <vector>

#include "adapters/kuzu/graph_reader.h"
#include "contract/graph_store.h"

namespace triune::adapters::kuzu {

/// Scores every node of the chosen labels by the edges of the chosen types between them.
Result<std::vector<contract::NodeScore>> analyze(GraphReader& reader, const contract::GraphAnalysis& analysis,
                                                 Deadline deadline);

}  // namespace triune::adapters::kuzu
