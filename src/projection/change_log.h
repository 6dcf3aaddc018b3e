// Reading the change log: keys above a watermark, in the order of their lsn.
//
// In SQLite the lsn counts entries, so one more is the next. In PostgreSQL it is the transaction's id, handed out when
// a transaction first writes and not when it commits: an entry may appear below others that were read long ago. What is
// **settled** is below the oldest transaction still running (`pg_snapshot_xmin`); only that is read, so that nothing is
// skipped (I3). An organization's projection sees only the lsns of its organization.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"

namespace triune::projection {

enum class Operation : std::uint8_t { put, remove, load };

struct LogEntry {
  std::uint64_t lsn = 0;
  std::int64_t collection_id = 0;
  Value key;
  Operation operation = Operation::put;
};

/// A piece of the log as one organization sees it.
struct LogBatch {
  std::vector<LogEntry> entries;  ///< This organization's only; all of a transaction or none of it.
  std::uint64_t last_lsn = 0;     ///< Everything up to here was read, whoever's it is; the watermark after applying.
  std::uint64_t head = 0;         ///< The end of the settled log in the session's snapshot.
  bool more = false;              ///< The snapshot shows changes that are logged behind `last_lsn`.
  bool overtaken = false;         ///< What is logged behind `last_lsn` may have been committed before what is not.
  bool too_large = false;         ///< One transaction has more entries than are worth reading; `entries` is empty.
  bool swept = false;             ///< What follows `after` was swept already; `entries` is empty.
};

/// At most about `limit` entries above `after`.
Result<LogBatch> read_log(contract::RelationalSession& session, std::int64_t organization_id, std::uint64_t after,
                          std::size_t limit);

/// Adds to a batch that ends where the log is settled the keys of what was committed behind that: the state that is
/// read for the batch shows those commits already, and must not show half of one (I3). Loads aside. False, and nothing
/// added, when there are more than `limit`, or when the batch ends before; true also when there are none.
Result<bool> add_unsettled(contract::RelationalSession& session, std::int64_t organization_id, LogBatch& batch,
                           std::size_t limit);

/// Entries the snapshot shows and `read_log` does not yet; none in SQLite.
Result<std::vector<LogEntry>> read_unsettled(contract::RelationalSession& session, std::int64_t organization_id);

/// `unavailable`, safe to retry: the projection `name` cannot be compared while a load has not settled.
std::unexpected<Error> still_settling(std::string_view name);

/// How many entries above `after` concern labels and edge types of the organization.
Result<std::uint64_t> count_graph_entries(contract::RelationalSession& session, std::int64_t organization_id,
                                          std::uint64_t after);

/// The last lsn the session sees, settled or not; 0 for an empty log.
Result<std::uint64_t> log_head(contract::RelationalSession& session, std::int64_t organization_id);

/// The first lsn still kept; everything below was swept. 1 for an empty log.
Result<std::uint64_t> log_start(contract::RelationalSession& session, std::int64_t organization_id);

/// Inside a write job, after its changes: the lsn of the job's commit, and how many entries it logged above `before`,
/// the head when it began.
struct Logged {
  std::uint64_t lsn = 0;
  std::uint64_t entries = 0;
};
Result<Logged> logged(contract::RelationalSession& session, std::int64_t organization_id, std::uint64_t before);

/// The lsn alone, which costs less.
Result<std::uint64_t> commit_lsn(contract::RelationalSession& session, std::int64_t organization_id);

/// The same, asked along with the commit: `lsn_in(answer)` is the lsn once the commit has returned.
Status commit_lsn_soon(contract::RelationalSession& session, std::int64_t organization_id, RowSet& answer);
std::uint64_t lsn_in(const RowSet& answer);

/// Sweeps what is below `lsn` at once, in SQLite: one process knows everybody who reads.
Status trim_log_below(contract::RelationalSession& session, std::uint64_t lsn);

/// In PostgreSQL, before anything is swept: remembers that what is below `lsn` is gone; it never becomes less. Who
/// reads from below then makes its projection anew, instead of missing something.
Status raise_log_floor(contract::RelationalSession& session, std::int64_t organization_id, std::uint64_t lsn);

/// Then sweeps up to `limit` of the oldest entries below `lsn`; how many there were.
Result<std::uint64_t> trim_log_step(contract::RelationalSession& session, std::int64_t organization_id,
                                    std::uint64_t lsn, std::size_t limit);

/// Where the log is settled: every entry at or below was read by whoever is as far. The last entry's lsn in SQLite.
Result<std::uint64_t> settled_head(contract::RelationalSession& session, std::int64_t organization_id);

}  // namespace triune::projection
