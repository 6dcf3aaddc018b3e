// PageRank, components and communities by the algorithms built into Kuzu.
#pragma once

#include <vector>

#include "adapters/kuzu/sessions.h"
#include "contract/graph_rules.h"
#include "contract/graph_store.h"

namespace triune::adapters::kuzu {

/// Runs one algorithm over the labels and types chosen. Kuzu keeps its working memory in the buffer pool: communities
/// of millions of edges need a larger one (`resource_exhausted`). Errors: `invalid_argument` (unknown label or type).
Result<std::vector<contract::NodeScore>> analyze(Sessions& sessions, const contract::KnownSchema& known,
                                                 const contract::GraphAnalysis& analysis, Deadline deadline);

}  // namespace triune::adapters::kuzu
