// Edges that several kinds of nodes have. A mapping has one pair of ends for an edge type, so these are put as changes
// beside the rows that they follow from.
#pragma once

#include <string_view>
#include <vector>

#include "intake/claude_code/row_cache.h"
#include "triune/change.h"

namespace triune::intake::claude {

/// Which edge a column stands for, from the row's node to the node that the column names.
struct EdgeColumn {
  std::string_view label;
  std::string_view type;
  std::string_view other_label;
  bool reversed = false;  ///< The edge goes from the other node to the row's.
};

/// Appends the edges of the rows whose `column` differs from what is stored.
void append_edges(RowCache& rows, std::string_view column, const EdgeColumn& edge, std::vector<Change>& changes);

/// The same for all edges of agents: PART_OF their session, SPAWNED by a message or, failing that, by their session.
void append_agent_edges(RowCache& agents, std::vector<Change>& changes);

}  // namespace triune::intake::claude
