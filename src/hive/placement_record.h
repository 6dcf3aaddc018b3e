// Decisions about collections in the canonical store: the newest of each, and those before.
//
// A decision is recorded in the transaction that makes what was decided, and is never changed: the next one is a
// revision more. The last `most_revisions` are kept.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "contract/relational_store.h"
#include "triune/placement.h"

namespace triune::hive {

inline constexpr std::int64_t most_revisions = 100;

/// Appends a revision, unless the newest one says the same. `only_first`: only when there is none at all.
Status record_placement(contract::RelationalSession& session, std::int64_t organization_id, Placement placement,
                        bool only_first);

/// The newest of each collection, by kind and name.
Result<std::vector<Placement>> newest_placements(contract::RelationalSession& session, std::int64_t organization_id);

/// All kept about one collection, oldest first; empty when there are none.
Result<std::vector<Placement>> placements_of(contract::RelationalSession& session, std::int64_t organization_id,
                                             const std::string& kind, const std::string& name);

/// Decisions ever recorded, those included that are no longer kept.
Result<std::uint64_t> decisions_recorded(contract::RelationalSession& session, std::int64_t organization_id);

}  // namespace triune::hive
