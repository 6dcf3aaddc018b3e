// A place to run migrations in without leaving anything: a temporary file in SQLite; in PostgreSQL a schema that is
// made in a transaction and goes with it, so that no right beyond CREATE on the database is needed.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "migrate/catalogue.h"
#include "migrate/migrate.h"

namespace triune::migrate {

/// Runs `work` in an empty scratch of `store`'s dialect and undoes everything.
Status in_scratch(contract::RelationalStore& store, Deadline deadline,
                  const std::function<Status(contract::RelationalSession&)>& work);

/// Runs a migration's text there; what must run outside of transactions runs without CONCURRENTLY.
Status run_in_scratch(contract::RelationalSession& session, std::string_view text);

/// What differs between the live store and what the history says was applied: of 'user' the users' things, otherwise
/// Triune's, of which those that definitions of mappings and text indexes added are no difference.
Result<std::vector<Drift>> find_drift(contract::RelationalStore& store, Owner owner, Deadline deadline);

struct UpDownUp {
  std::uint32_t migrations = 0;
  std::uint64_t rows = 0;          ///< Copied from the live tables.
  std::vector<std::string> wrong;  ///< "0003_name.down.sql: column tasks.title is missing", … .
};

/// Applies all, reverts all and applies all again, on a copy with at most `sample` rows of each live table, and
/// compares the catalogue after each step with what it was at that version before. `applied` of them hold the live
/// rows.
Result<UpDownUp> try_up_down_up(contract::RelationalStore& store, std::span<const Migration> migrations,
                                std::size_t applied, Owner owner, std::uint64_t sample, Deadline deadline);

}  // namespace triune::migrate
