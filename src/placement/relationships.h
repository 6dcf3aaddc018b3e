// Relationships that are kept in rows, and how much of a network they are.
#pragma once

#include <vector>

#include "placement/source.h"

namespace triune::placement {

/// The relationships that `tables[position]` holds: pairs of foreign keys, keys of its own rows, two columns that are
/// ends of edges, lists of keys in cells. Columns in `vectors` hold none.
Status find_relationships(Source& source, const std::vector<TableReport>& tables, std::size_t position,
                          const std::vector<VectorReport>& vectors, std::vector<RelationshipReport>& found);

/// The columns of a table that hold vectors.
Status find_vectors(Source& source, const TableReport& table, std::vector<VectorReport>& found);

}  // namespace triune::placement
