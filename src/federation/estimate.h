// What the canonical store's planner is to think of a call before it is made.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "federation/engines.h"
#include "triune/query.h"

namespace triune::federation {

/// Of one call. A wrong one costs time and no answer.
struct Estimate {
  double rows = 0;
  double cost = 0;     ///< In rows of a table that a scan visits in the same time.
  std::string reason;  ///< What it rests on.
};

/// From the degrees of the edges; nothing where nobody knows them.
std::optional<Estimate> estimate_neighbors(Engines& engines, std::string_view type, Direction direction,
                                           std::uint64_t depth);

/// From the counts and degrees of what a query of MATCH, WHERE and RETURN names, and usual shares of its conditions;
/// nothing for queries with other clauses.
std::optional<Estimate> estimate_cypher(Engines& engines, std::string_view query);

}  // namespace triune::federation
