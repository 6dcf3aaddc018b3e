// Batches of nodes and of vectors through the store's bulk path (load_copy.h). Both return how many entities changed,
// as if each had been put by itself.
#pragma once

#include <cstdint>
#include <span>

#include "contract/relational_store.h"
#include "triune/change.h"
#include "triune/status.h"

namespace triune::hive {

/// The batch holds nodes of one label.
Result<std::uint64_t> copy_nodes(contract::RelationalSession& session, std::int64_t organization, std::int64_t label,
                                 std::span<const Change> batch);

/// The batch holds vectors of one collection, and of its dimension.
Result<std::uint64_t> copy_vectors(contract::RelationalSession& session, std::int64_t organization,
                                   std::int64_t collection, std::span<const Change> batch);

}  // namespace triune::hive
