// How far the change log has settled, and who holds it back.
#pragma once

#include <chrono>

#include "contract/relational_store.h"
#include "triune/cluster.h"

namespace triune::hive {

/// The horizon as `session` sees it; alarmed when a transaction has held it back for `alarm_after`. Transactions of
/// other roles are seen only by members of pg_read_all_stats; when the one that holds it is not, the message says so.
/// SQLite: always settled.
Result<LogHorizon> log_horizon(contract::RelationalSession& session, std::int64_t organization_id,
                               std::chrono::milliseconds alarm_after = std::chrono::seconds(30));

}  // namespace triune::hive
