// Sweeping the change log that nodes on PostgreSQL share.
//
//   R1  An entry goes only when every live node, and every other one that is not yet forgotten, holds it durably, and
//       when it has settled: no transaction still running is older.
//   R2  The floor is raised before anything is deleted, so that a node which comes back late sees that entries are
//       missing and makes its projections anew.
//   R3  One node sweeps at a time, under a lease that every step checks.
//
// Nodes that run are never overtaken; those that do not are forgotten after a day, or the longest silent first when the
// log has grown too long.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "contract/relational_store.h"

namespace triune::hive {

struct LogRetentionOptions {
  std::chrono::milliseconds lost_after = std::chrono::seconds(60);  ///< A silent node counts as running until then.
  std::chrono::milliseconds forget_after = std::chrono::hours(24);  ///< A node that does not run is waited for so long…
  std::uint64_t most_entries = 5'000'000;                           ///< …unless the log is longer than this.
  std::uint64_t least_swept = 10'000;                               ///< Fewer entries are not worth a sweep.
  std::uint64_t step = 20'000;                                      ///< Entries for one transaction.
  std::chrono::milliseconds lease = std::chrono::minutes(2);
};

struct LogRetentionReport {
  bool held_by_another = false;        ///< Another node is at it; nothing was done.
  std::uint64_t swept = 0;             ///< Entries.
  std::vector<std::string> forgotten;  ///< Ids of nodes that must make their projections anew if they come back.
  std::string slowest;                 ///< The node that keeps the rest of the log; empty when none does.
};

/// One sweep for the organization, by the node `holder`. Only on PostgreSQL. Errors: those of the store; `conflict`
/// when the lease was lost meanwhile. What was swept until then stays so.
Result<LogRetentionReport> sweep_shared_log(contract::RelationalStore& store, std::int64_t organization_id,
                                            const std::string& holder, const LogRetentionOptions& options = {});

}  // namespace triune::hive
