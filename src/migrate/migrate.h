// Numbered schema migrations: the hive's own, each module's, and users'.
//
// A *series* is a list of migrations that are numbered from 1 without holes: 'hive' (schema/sqlite, schema/postgres),
// one for each module (schema/DIALECT/modules/NAME), and 'user' (a directory of theirs, files.h). The history of all of
// them is one table, keyed by series and version. Why: docs/decisions/0016.
//
// Invariants
//  M1 A migration is applied in one transaction together with its record, or not at all. (One that says
//     `-- triune: no-transaction` is recorded after its statements, and runs again when it was cut short.)
//  M2 What was applied is never edited: its checksum must match the text that is given now.
//  M3 A program never opens a hive that a newer one has migrated.
//  M4 One migrator at a time: whoever applies or reverts holds a lease, and each of its transactions begins by looking
//     whether it still does; a holder that stalled while another took over is refused, whatever it believes.
//  M5 Reverting uses the text that was recorded when the migration was applied, not what a file says now.
//
//   (no history) --prepare_history--> taken over --apply--> applied --revert--> pending
//                                                  ^ killed: nothing happened; the lease ends by itself
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"

namespace triune::migrate {

/// One numbered migration; numbers start at 1 and have no holes. The texts live as long as the caller says.
struct Migration {
  std::uint32_t version = 0;
  std::string_view name;
  std::string_view sql;     ///< What applies it.
  std::string_view down;    ///< What undoes it; empty: it cannot be reverted.
  std::string_view verify;  ///< SELECTs each of which must return no row once it is applied; may be empty.
  std::string_view change;  ///< The declaration that the texts were made from (change.h); usually empty.
};

/// A series that is embedded at build time: "hive", or a module's name. Empty when there is none of that name.
std::span<const Migration> migrations(contract::Dialect dialect, std::string_view series = "hive");
/// The names of all embedded series, "hive" first.
std::vector<std::string_view> series_names(contract::Dialect dialect);

/// What the history says of a migration.
struct Applied {
  std::string series;
  std::uint32_t version = 0;
  std::string name;
  std::string checksum;    ///< SHA-256 of the text that applied it.
  std::string up;          ///< That text; empty when a program without this record applied it.
  std::string down;        ///< The text that reverts it (M5).
  std::string applied_at;  ///< UTC, ISO 8601.
  std::string applied_by;  ///< "user@host".
  std::int64_t duration_ms = 0;
};

/// Where and how migrations run.
struct Runner {
  contract::RelationalStore& store;
  /// One write transaction. Nothing given: `store.write`.
  std::function<Status(const contract::WriteJob& job, Deadline deadline)> transaction;
  /// One statement of a migration in it. Nothing given: it runs with Triune's own rights.
  std::function<Status(contract::RelationalSession& session, std::string_view statement)> run;
};

struct ApplyOptions {
  std::uint32_t to = std::numeric_limits<std::uint32_t>::max();  ///< The last version to apply.
  /// Called before each migration.
  std::function<void(const Migration&)> progress;
};

/// Applies what is missing, in order, each in a transaction of its own. Blocks while another migrator is at work and,
/// with pauses that grow, while locks are held. Nothing is written, and no lease taken, when nothing is missing.
/// Errors: `conflict` when an applied migration was edited since (M2), the store is newer than the series (M3) or the
/// lease was lost (M4); `deadline_exceeded`; the migration's own error, with its file name.
Status apply(contract::RelationalStore& store, std::string_view series, std::span<const Migration> migrations,
             Deadline deadline);
/// The same by a runner; returns what was applied.
Result<std::vector<Applied>> apply(const Runner& runner, std::string_view series, std::span<const Migration> migrations,
                                   Deadline deadline, const ApplyOptions& options = {});

/// Reverts what was applied above version `to`, the last first, each in a transaction of its own with its record.
/// Errors: `invalid_argument` when one has no down text, and then nothing is reverted; those of `apply`.
Result<std::vector<Applied>> revert(const Runner& runner, std::string_view series, std::uint32_t to, Deadline deadline);

/// What was applied of a series, in order. No table of history: nothing was.
Result<std::vector<Applied>> history(contract::RelationalStore& store, std::string_view series, Deadline deadline);

/// "0007_name".
std::string stem(std::uint32_t version, std::string_view name);
/// SHA-256 of a text, as records have it.
std::string checksum(std::string_view text);

}  // namespace triune::migrate
