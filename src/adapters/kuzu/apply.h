// One batch in one transaction of Kuzu, and the position that is committed with it (I3).
#pragma once

#include <optional>

#include "adapters/kuzu/batch.h"
#include "adapters/kuzu/engine.h"
#include "contract/graph_store.h"
#include "contract/position.h"

namespace triune::adapters::kuzu {

/// Makes the internal table that keeps the position, unless it is there. It is one of Kuzu's internal tables, so that
/// neither `MATCH (n)` nor the statistics see it.
Status ensure_position_table(Session& session);

/// The position in the database; empty when none was ever written.
Result<std::optional<contract::Position>> read_position(Session& session);

/// Writes the position, in the caller's transaction.
Status write_position(Session& session, const contract::Position& position);

/// Applies `batch`, already sorted from the same, between BEGIN and COMMIT. Errors leave nothing behind, except those
/// with `outcome_unknown`. The caller holds the writer's turn.
Status apply_batch(Session& session, const contract::GraphBatch& batch, const SortedBatch& sorted);

/// Runs `work` in a write transaction: commits when it succeeds, rolls back when not.
Status in_transaction(Session& session, const std::function<Status()>& work);

}  // namespace triune::adapters::kuzu
