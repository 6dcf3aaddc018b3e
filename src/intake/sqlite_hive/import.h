// Databases of hive-mind and swarm programs, in a hive's modules.
//
//   auto report = triune::intake::import_sqlite_hive(*hive, ".hive-mind/hive.db");
//
// These programs agree on little: a column that is absent counts as empty, words are taken in all their spellings,
// times as text, seconds or milliseconds. The file is only read. Importing it again changes nothing (H1 of
// agent_hive/import.h).
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "triune/hive.h"

namespace triune::intake {

/// A row, or a table, that was not taken, and why.
struct RowNotTaken {
  std::string table;
  std::string row;  ///< Its id; empty: the table.
  std::string reason;
};

struct SqliteHiveReport {
  /// By table: what its rows became ("agents", "tasks", "events", "values", "configurations"), and how many.
  std::map<std::string, std::pair<std::string, std::uint64_t>> mapped;
  std::vector<RowNotTaken> not_taken;  ///< At most 1,000.
  std::uint64_t not_taken_count = 0;
};

/// agents become agents; tasks tasks with their dependencies; communications, messages, consensus, results and logs
/// events; memory, kept values, facts, sessions and checkpoints values by name; swarms configurations. A table that is
/// none of these is in the report. Errors: `not_found`, `invalid_argument` when the file is no such database; those of
/// the modules. Blocks; one import at a time.
Result<SqliteHiveReport> import_sqlite_hive(Hive& hive, const std::filesystem::path& path,
                                            const Progress& progress = {});

}  // namespace triune::intake
