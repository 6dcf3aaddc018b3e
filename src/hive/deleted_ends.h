// Nodes that are deleted while edges to them are loaded: a load knows nodes by the numbers it read when it began, and
// triggers that would look at the ends of each edge rest meanwhile.
#pragma once

#include <cstdint>
#include <string>

#include "contract/relational_store.h"
#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::hive {

/// Looks for deletions of nodes of two labels since the numbers were read. In the use of one thread.
class DeletedEnds {
 public:
  /// In the session that reads the numbers.
  Status mark(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t from_label_id,
              std::int64_t to_label_id);

  /// In the job that writes edges: `conflict`, safe to retry, when one was deleted since the mark.
  Status check(contract::RelationalSession& session) const;

  /// Behind the last job, where several processes write: a deletion that was on its way while a job committed could not
  /// see its edges. Waits for such deletions, and then removes the edges of the type that lack an end.
  Status settle(contract::RelationalStore& store, std::int64_t type_id, Deadline deadline) const;

 private:
  [[nodiscard]] Result<bool> any(contract::RelationalSession& session) const;

  std::int64_t organization_id_ = 0;
  std::int64_t from_label_id_ = 0;
  std::int64_t to_label_id_ = 0;
  std::int64_t lsn_ = 0;  ///< Of the last entry that was seen, or the oldest transaction that still ran.
  std::string snapshot_;  ///< Of PostgreSQL; empty elsewhere.
};

}  // namespace triune::hive
