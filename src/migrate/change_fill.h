// The rows of a change: filled batch by batch, and one by one where a batch has a row that cannot be converted.
#pragma once

#include <string>
#include <vector>

#include "migrate/change.h"

namespace triune::migrate {

/// The table with the rows that are reported; made by `start`.
Status make_reports(contract::RelationalSession& session);
Status forget_reports(contract::RelationalSession& session);

/// Fills the next batch behind the progress' position; what the progress is then. Rows that fail are reported.
Result<ChangeProgress> fill_batch(contract::RelationalSession& session, const ChangeProgress& progress,
                                  const std::vector<std::string>& key);

/// Fills what has no value, wherever it is, and reports what fails anew. For a change whose batches are done: mostly
/// one look that finds nothing.
Status fill_rest(contract::RelationalSession& session, const ChangeDefinition& change,
                 const std::vector<std::string>& key);

/// Why the old columns cannot go: rows that failed, or that have no value where one is needed. Empty: they can.
Result<std::string> why_not_contracted(contract::RelationalSession& session, const ChangeDefinition& change,
                                       const std::vector<std::string>& key);

}  // namespace triune::migrate
