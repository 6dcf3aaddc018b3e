// What applying would do, said beforehand, and where a series stands.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "migrate/lint.h"
#include "migrate/migrate.h"

namespace triune::migrate {

struct PlannedStatement {
  std::uint32_t line = 0;
  std::string text;
  std::string table;                  ///< What it is about; empty when that is unclear.
  std::string lock;                   ///< "AccessExclusiveLock", in SQLite "writer"; empty: none to speak of.
  bool rewrites = false;              ///< Every row of the table is written, or read under the lock.
  std::optional<std::uint64_t> rows;  ///< Of the table now; the server's estimate, in SQLite counted up to a million.
};

struct PlannedMigration {
  std::uint32_t version = 0;
  std::string name;
  bool in_transaction = true;
  std::vector<PlannedStatement> statements;
  std::vector<Finding> findings;
};

/// What `apply` would run. Nothing is written. Errors: those of `apply` that history gives.
Result<std::vector<PlannedMigration>> plan(contract::RelationalStore& store, std::string_view series,
                                           std::span<const Migration> migrations, Deadline deadline);

/// Runs what `apply` would run, in one transaction that is undone. What must run outside of a transaction is left out.
/// Locks are held meanwhile as they would be. Error: that of the migration that fails.
Status try_pending(const Runner& runner, std::string_view series, std::span<const Migration> migrations,
                   Deadline deadline);

struct MigrationState {
  enum class State : std::uint8_t {
    applied,
    pending,
    edited,   ///< Applied, and the text that applied it is another now.
    missing,  ///< Applied, and no longer among the migrations.
  };
  std::uint32_t version = 0;
  std::string name;
  State state = State::pending;
  bool down_edited = false;  ///< A revert would use the recorded text, not the file's.
  std::string applied_at;
  std::string applied_by;
  std::int64_t duration_ms = 0;
};

std::string_view to_string(MigrationState::State state);

Result<std::vector<MigrationState>> status(contract::RelationalStore& store, std::string_view series,
                                           std::span<const Migration> migrations, Deadline deadline);

struct Verification {
  std::uint32_t checked = 0;       ///< Statements of verify texts that were run.
  std::vector<std::string> wrong;  ///< "0003_name.verify.sql line 2: returns 14 rows, the first (…)", … .
};

/// Compares checksums and runs the verify texts of what is applied; each of their statements must return no row.
Result<Verification> verify(contract::RelationalStore& store, std::string_view series,
                            std::span<const Migration> migrations, contract::ReadScope scope, Deadline deadline);

}  // namespace triune::migrate
