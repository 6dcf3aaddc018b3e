// Numbered schema migrations, applied at open.
//
// Invariants
//  M1 A migration is applied in one transaction together with its record, or not at all.
//  M2 What was applied is never edited: its checksum must match the program's text.
//  M3 A program never opens a hive that a newer one has migrated.
//  M4 Of several programs that open a new store at once, one applies each migration and the others find it applied.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "contract/relational_store.h"

namespace triune::migrate {

/// One numbered SQL file; numbers start at 1 and have no holes.
struct Migration {
  std::uint32_t version = 0;
  std::string_view name;
  std::string_view sql;
};

/// The migrations of the hive's own schema, from schema/sqlite or schema/postgres, embedded at build time.
std::span<const Migration> migrations(contract::Dialect dialect);

/// Applies what is missing, in order, each in a transaction of its own. Errors: `conflict` when an applied migration
/// was edited since (M2) or the store is newer than the program (M3); the migration's own error, with its file name.
Status apply(contract::RelationalStore& store, std::span<const Migration> migrations, Deadline deadline);

}  // namespace triune::migrate
