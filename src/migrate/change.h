// A change of a column while programs of before and after it work side by side: expand, backfill, contract.
//
// It is declared as a migration NNNN_name.change.json: a table gets columns whose values follow from others (`up`), and
// which may take the place of some of them (`replaces`, with `down` as the way back). From `start` on triggers keep
// both in step, whoever writes which; `backfill` fills the rows that were there, in batches; `contract` takes the old
// columns away and records the migration. Until then `abort` leaves the schema exactly as it was.
//
// A row whose `up` fails has no value in the new columns and is reported with its key; everything else goes on.
// `contract` is refused while there is such a row, or one without a value where one is needed.
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

/// A column that a change adds.
struct NewColumn {
  std::string name;
  std::string type;       ///< In the dialect of its folder.
  std::string up;         ///< Its value, an expression over the row's columns of before.
  bool not_null = false;  ///< From `contract` on.
};

/// A column that a change takes away.
struct ReplacedColumn {
  std::string name;
  std::string type;  ///< And constraints, with which a revert brings it back.
  std::string down;  ///< Its value, an expression over the row's columns with the new ones.
};

struct ChangeDefinition {
  std::string table;
  std::vector<NewColumn> columns;
  std::vector<ReplacedColumn> replaces;  ///< Gone at the end; may be none.
  std::uint64_t batch = 1'000;
  std::chrono::milliseconds pause{10};  ///< Between batches, so that others get their turn.

  /// "first, last".
  [[nodiscard]] std::string column_names() const;
  [[nodiscard]] std::string replaced_names() const;
};

/// Errors: `invalid_argument` naming the member that is missing, unknown or wrong.
Result<ChangeDefinition> parse_change(std::string_view json);
/// What the migration does at once, for stores with few rows or none.
std::string change_up_text(const ChangeDefinition& change, contract::Dialect dialect);
std::string change_down_text(const ChangeDefinition& change, contract::Dialect dialect);

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

/// A row that a change could not convert, or not without loss.
struct ChangeReport {
  std::string key;      ///< As a JSON object.
  std::string kind;     ///< "failed": it has no new value. "lossy": an old one says more than the new ones give back.
  std::string message;  ///< The engine's.
};
/// The first thousand, by kind and key. A row that was mended since is gone from it after the next backfill.
Result<std::vector<ChangeReport>> change_reports(contract::RelationalStore& store, Deadline deadline);

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
/// Fills rows batch by batch, each in a transaction with its progress; of one that is done, what failed is tried again.
/// Error: `not_found` when no change is under way.
Result<ChangeProgress> backfill_change(const Runner& runner, const BackfillOptions& options, Deadline deadline);

/// Takes the old columns away and records the migration. `conflict` before the backfill is done, and while rows have no
/// value (see `change_reports`).
Result<Applied> contract_change(const Runner& runner, Deadline deadline);
/// Takes everything away that `start` added.
Result<ChangeProgress> abort_change(const Runner& runner, Deadline deadline);

}  // namespace triune::migrate
