// The record of migrations in the hive: what was approved, how far it is, what happened. `triune_relocations` and its
// tables hold it.
//
//   running ──all phases done──▶ finished ──roll back──▶ rolled back
//      └──────────────────────roll back──────────────────────▲
//
// J1  A step's record commits in the transaction that did its work, or after work that may be done again without
// effect. J2  At most one migration of an organization is running. J3  Entries of the audit trail are added and never
// changed.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "triune/hive.h"

namespace triune::intake::legacy {

/// One plan that was approved.
struct Migration {
  std::int64_t id = 0;
  std::string source;
  std::string snapshot;  ///< The copy of the source that it works from.
  std::string plan;
  std::string plan_hash;
  std::string approved_by;
  std::string state;  ///< "running", "finished", "rolled back".
  std::int64_t started_at_ms = 0;
  std::int64_t ended_at_ms = 0;  ///< 0: it has not ended.
};

/// One thing to do in a phase.
struct Step {
  std::string phase;
  std::string item;
  bool done = false;
  std::string position;        ///< The last key done; empty: none yet.
  std::uint64_t entities = 0;  ///< Rows, nodes, edges or vectors.
  std::string digest;          ///< Of a table that was verified.
};

struct AuditEntry {
  std::int64_t at_ms = 0;
  std::string actor;
  std::string event;
  std::string detail;
};

/// Writes go into a session of the caller's transaction; reads are snapshots of their own. Used by one thread.
class Journal {
 public:
  explicit Journal(Hive& hive);

  /// Newest first.
  Result<std::vector<Migration>> migrations();
  Result<std::vector<Step>> steps(std::int64_t migration);
  Result<std::optional<Step>> step(std::int64_t migration, std::string_view phase, std::string_view item);
  Result<std::vector<AuditEntry>> audit(std::int64_t migration);

  /// `conflict` when another one is running (J2). Returns its number.
  Result<std::int64_t> begin(contract::RelationalSession& session, const Migration& migration);
  Status end(contract::RelationalSession& session, std::int64_t migration, std::string_view state);
  Status put(contract::RelationalSession& session, std::int64_t migration, const Step& step);
  /// The same for a step that is known to be at `position`; `conflict` when somebody else moved it meanwhile: several
  /// processes may have a hive on a server open.
  Status advance(contract::RelationalSession& session, std::int64_t migration, const Step& step,
                 std::string_view position);
  Status note(contract::RelationalSession& session, std::int64_t migration, const AuditEntry& entry);

  /// The same in transactions of their own.
  Status put(std::int64_t migration, const Step& step);
  Status note(std::int64_t migration, std::string_view actor, std::string_view event, std::string_view detail);

 private:
  Result<RowSet> read(std::string_view sql, std::span<const Value> parameters);

  Hive& hive_;
  std::int64_t organization_;
};

/// How long a call of a migration may wait for the hive's writer, and a statement may take.
Deadline patient_deadline();

}  // namespace triune::intake::legacy
