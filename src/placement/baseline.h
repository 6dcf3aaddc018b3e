// The performance baseline: how long typical queries take on the file as it is.
#pragma once

#include <vector>

#include "placement/source.h"

namespace triune::placement {

/// Times lookups by key and by foreign key, and counts, of the largest tables.
Status measure_tables(Source& source, const std::vector<TableReport>& tables, std::vector<LatencyReport>& baseline);

/// Times two hops over each relationship between columns.
Status measure_hops(Source& source, const std::vector<TableReport>& tables,
                    const std::vector<RelationshipReport>& relationships, std::vector<LatencyReport>& baseline);

}  // namespace triune::placement
