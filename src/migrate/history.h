// The table of what was applied, and how it takes over the one that earlier programs kept.
//
// `triune_schema_history` has a row for each (series, version). Where `triune_migrations` was the table of earlier
// programs, it is now a view of the hive's own series: such a program finds in it versions that it does not know, and
// says that a newer one wrote the hive (M3), instead of applying anything.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "migrate/migrate.h"

namespace triune::migrate {

/// Makes the tables of history and lease when they are not there, and takes earlier records over.
Status prepare_history(contract::RelationalStore& store, Deadline deadline);
/// Whether they are there.
Result<bool> has_history(contract::RelationalSession& session);

/// The records of a series, in order; with `texts` the texts too.
Result<std::vector<Applied>> read_history(contract::RelationalSession& session, std::string_view series, bool texts);
/// The records of all series with their texts, in the order in which they were applied: some build on others.
Result<std::vector<Applied>> read_all_history(contract::RelationalSession& session);
Result<std::optional<Applied>> find_record(contract::RelationalSession& session, std::string_view series,
                                           std::uint32_t version);
Status add_record(contract::RelationalSession& session, const Applied& record);
Status remove_record(contract::RelationalSession& session, std::string_view series, std::uint32_t version);

/// Whether `applied` is the beginning of `migrations`, unedited (M2, M3).
Status check_history(std::span<const Applied> applied, std::span<const Migration> migrations);

/// Now as a record has it, and who does it.
std::string now_text();
std::string actor();

}  // namespace triune::migrate
