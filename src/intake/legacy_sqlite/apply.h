// Carrying a plan out, and taking it back.
//
//   snapshot   a copy of the source as of one moment: the source is not looked at again, whoever writes to it
//   copy       tables with their rows                        vectors   collections of what columns hold
//   graph      nodes and edges                               blobs     large values, where the plan says so
//   indexes    indexes, views, triggers, text indexes        verify    both sides compared, row by row
//
// A migration that was killed or interrupted goes on where it was when the same plan is applied again.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "contract/registry.h"
#include "intake/legacy_sqlite/journal.h"
#include "intake/legacy_sqlite/plan.h"
#include "intake/legacy_sqlite/speed.h"
#include "intake/legacy_sqlite/verify.h"
#include "triune/hive.h"

namespace triune::intake::legacy {

struct ApplyOptions {
  std::string approved_by;  ///< A person; goes into the audit trail.
  /// Stop when this phase is done; empty: after the last.
  std::string stop_after;
  bool accept_changes = false;  ///< Rows of the source may be others than when the plan was made.
  bool measure = true;          ///< Time queries on both sides at the end.
  Progress progress;
  std::function<bool()> cancelled;
};

/// How long a phase took in this run.
struct PhaseReport {
  std::string phase;
  double seconds = 0;
  std::uint64_t memory_bytes = 0;  ///< Most that the process had held when the phase ended.
};

struct ApplyReport {
  std::int64_t migration = 0;
  std::string state;             ///< "running" when it stopped early or found differences, "finished".
  bool finished_before = false;  ///< Nothing was done: the plan had been applied.
  bool resumed = false;
  std::uint64_t tables = 0;
  std::uint64_t rows = 0;
  std::vector<PhaseReport> phases;
  Verification verification;  ///< Of this run; empty when it did not come so far.
  std::vector<SpeedReport> speed;
  std::vector<LeftOut> left_out;
  Remarks remarks;
  double seconds = 0;
  std::uint64_t memory_bytes = 0;  ///< Most that the process held.
};

/// Applies the plan, or the rest of it. The source is opened for reading and never changed. Blocks for as long as it
/// takes. Errors: `invalid_argument` (the plan, or nobody approved), `conflict` (the source is another than when the
/// plan was made; a table of that name is in the hive; another migration runs), `cancelled`, those of reading and
/// writing.
Result<ApplyReport> apply(Hive& hive, const contract::Registry& engines, const Plan& plan, const ApplyOptions& options);

/// Compares the last migration that finished, or runs, with its source as it is now, or with the file `against`.
Result<Verification> verify_again(Hive& hive, const contract::Registry& engines, const std::filesystem::path& against,
                                  const ApplyOptions& options);

/// The phases in their order.
const std::vector<std::string>& phases();

struct RollbackOptions {
  std::string approved_by;
  bool discard_changes = false;  ///< Also rows that were written since.
};

struct RollbackReport {
  std::int64_t migration = 0;
  std::vector<std::string> tables;  ///< That were dropped.
  Remarks remarks;
};

/// Takes back what the last migration made: its tables, with the nodes and edges of their rows, collections' vectors
/// and blobs. Errors: `not_found` without a migration, `conflict` when rows changed since; nothing is taken back then.
Result<RollbackReport> rollback(Hive& hive, const contract::Registry& engines, const RollbackOptions& options);

}  // namespace triune::intake::legacy
