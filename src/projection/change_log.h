// Reading the change log: keys above a watermark, in the order of their lsn.
#pragma once

#include <cstdint>
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
  std::vector<LogEntry> entries;  ///< This organization's only.
  std::uint64_t last_lsn = 0;     ///< Everything up to here was read, whoever's it is; the watermark after applying.
  std::uint64_t head = 0;         ///< The end of the log in the session's snapshot.
};

/// At most `limit` entries above `after`.
Result<LogBatch> read_log(contract::RelationalSession& session, std::int64_t organization_id, std::uint64_t after,
                          std::size_t limit);

/// How many entries above `after` concern labels and edge types of the organization.
Result<std::uint64_t> count_graph_entries(contract::RelationalSession& session, std::int64_t organization_id,
                                          std::uint64_t after);

/// The last lsn, 0 for an empty log.
Result<std::uint64_t> log_head(contract::RelationalSession& session);

/// The first lsn still kept; everything below was swept. 1 for an empty log.
Result<std::uint64_t> log_start(contract::RelationalSession& session);

}  // namespace triune::projection
