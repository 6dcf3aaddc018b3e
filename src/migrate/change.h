// A change of a column while programs of before and after it work side by side: expand, backfill, contract.
//
// It is declared as a migration NNNN_name.change.json: a table gets a column whose value follows from others (`up`),
// and which may take the place of one of them (`replaces`, with `down` as the way back). From `start` on triggers keep
// both in step, whoever writes which; `backfill` fills the rows that were there, in batches; `contract` takes the old
// column away and records the migration. Until then `abort` leaves the schema exactly as it was.
//
//             start                  backfill, any number of times              contract
//   pending ─────────▶ expanded ─────────────────────────────▶ backfilled ─────────────▶ applied
//      ▲                   │ abort                                 │ abort
//      └───────────────────┴───────────────────────────────────────┘
//
// Invariants
//  M6 The phase, and how far the backfill is, are stored in the transaction that brought them about: whoever was
//  killed,
//     the next goes on from there.
//  M7 From `start` on a row that is written holds old and new in step, whichever of them was written.
//  M8 One change at a time, and no other migration while it is under way.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/migrate.h"

namespace triune::migrate {

struct ChangeDefinition {
  std::string table;
  std::string column;         ///< The new one.
  std::string type;           ///< Of the new one, in the dialect of its folder.
  std::string up;             ///< Its value, an expression over the row's columns.
  std::string down;           ///< The value of `replaces`, an expression over the row's columns with the new one.
  std::string replaces;       ///< The column that goes at the end; empty: none.
  std::string replaced_type;  ///< Type and constraints with which a revert brings it back.
  std::uint64_t batch = 1'000;
  std::chrono::milliseconds pause{10};  ///< Between batches, so that others get their turn.
};

/// Errors: `invalid_argument` naming the member that is missing, unknown or wrong.
Result<ChangeDefinition> parse_change(std::string_view json);
/// What the migration does at once, for stores with few rows or none.
std::string change_up_text(const ChangeDefinition& change);
std::string change_down_text(const ChangeDefinition& change);

struct ChangeProgress {
  std::uint32_t version = 0;
  std::string name;
  std::string phase;     ///< "expanded" or "backfilled".
  std::string position;  ///< The last key done, as a JSON array; empty: none yet.
  std::uint64_t rows_done = 0;
  std::string started_at;
  std::string started_by;
  std::string declaration;  ///< As the file had it at `start`.
  ChangeDefinition definition;
};

/// The change that is under way, if any.
Result<std::optional<ChangeProgress>> change_under_way(contract::RelationalStore& store, Deadline deadline);
/// `conflict` when there is one (M8).
Status no_change_under_way(contract::RelationalStore& store, Deadline deadline);
/// `conflict` when the table has so many rows that writing them all at once would hold others up.
Status may_apply_at_once(contract::RelationalStore& store, const Migration& migration, Deadline deadline);

/// Begins the next pending migration of the series 'user', which must be a change. Errors: `conflict`, those of
/// `apply`.
Result<ChangeProgress> start_change(const Runner& runner, std::span<const Migration> migrations, Deadline deadline);

struct BackfillOptions {
  std::uint64_t most_batches = 0;                    ///< 0: until it is done.
  std::optional<std::chrono::milliseconds> pause;    ///< Instead of the declared one.
  std::function<bool()> cancelled;                   ///< Asked between batches.
  std::function<void(std::uint64_t rows)> progress;  ///< Rows done so far.
};
/// Fills rows batch by batch, each in a transaction with its progress. Error: `not_found` when no change is under way.
Result<ChangeProgress> backfill_change(const Runner& runner, const BackfillOptions& options, Deadline deadline);

/// Takes the old column away and records the migration. `conflict` before the backfill is done.
Result<Applied> contract_change(const Runner& runner, Deadline deadline);
/// Takes everything away that `start` added.
Result<ChangeProgress> abort_change(const Runner& runner, Deadline deadline);

}  // namespace triune::migrate
