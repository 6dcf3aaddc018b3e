// What an agent hive of LeanVibe's kind leaves behind, in a hive's modules: a `.claude/` tree and its `state.db`.
//
//   auto report = triune::intake::import_agent_hive(*hive, "./project/.claude");
//
// Invariants of the import; tests cite them.
//   H1 Importing the same tree again changes nothing, also from another place.
//   H2 A killed import that runs again ends in the state of one that was not killed: everything is keyed by what it is.
//   H3 Nothing is passed over in silence: what is not mapped is in the report with the reason.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "triune/hive.h"

namespace triune::intake {

/// A file or a line that was not taken, and why.
struct NotTaken {
  std::string file;
  std::uint64_t line = 0;  ///< 1-based; 0: the file.
  std::string reason;
};

struct AgentHiveReport {
  std::uint64_t files = 0;
  std::uint64_t files_unchanged = 0;            ///< As at the last import: passed over.
  std::map<std::string, std::uint64_t> mapped;  ///< How many of "agents", "tasks", "events", … came or were there.
  std::uint64_t duplicate_events = 0;           ///< That were there already (H1).
  std::vector<NotTaken> not_taken;              ///< At most 1,000.
  std::uint64_t not_taken_count = 0;
};

/// Agents' records become agents with their tasks; reports of completion and log lines events (levels and times
/// parsed); snapshots and consolidations snapshots and memories; settings configurations, secrets redacted; personas,
/// commands and rules memories. `path`: a `.claude` folder, or one that contains it. Errors: `not_found`;
/// `invalid_argument` when nothing there is of this kind; those of the modules. Blocks; one import at a time.
Result<AgentHiveReport> import_agent_hive(Hive& hive, const std::filesystem::path& path, const Progress& progress = {});

}  // namespace triune::intake
