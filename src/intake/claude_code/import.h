// What Claude Code leaves behind, in a hive: session logs and `.claude/` trees.
//
//   auto report = triune::intake::import_claude(*hive, "/home/ada/.claude");
//
// Agents, sessions, memories and events of the logs are also in the modules (module_rows.h says how), in the same
// transactions.
//
// Invariants of the import; tests cite them.
//   C1 Importing the same tree again changes nothing, and so does importing a copy of it.
//   C2 Rows and the position up to which their file was read commit together, so a killed import that runs again ends
//   in
//      the state of one that was not killed.
//   C3 One API message is one row, whatever the number of lines, files and sessions that repeat it; its tokens count
//   once. C4 No line stops the import. What cannot be understood is in `claude_bad_lines` with file, line and reason.
//   C5 Memory is bounded by the longest line (64 MiB) and the batch, not by the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "triune/hive.h"
#include "triune/status.h"

namespace triune::intake {

struct ClaudeImportOptions {
  /// Lines and bytes of one commit. Smaller ones lose less work when killed, larger ones are faster.
  std::uint32_t batch_lines = 1'000;
  std::uint64_t batch_bytes = 8ULL << 20U;
  /// Lines longer than this are set aside; at most 64 MiB, the size of a commit.
  std::uint64_t max_line_bytes = 64ULL << 20U;
  /// At most so many bad lines are listed in the report; all of them are in `claude_bad_lines`.
  std::uint32_t reported_bad_lines = 100;
};

/// A line that was set aside.
struct BadLine {
  std::string file;
  std::uint64_t line = 0;  ///< 1-based.
  std::string reason;
};

/// What one import did. Counts are of this import: what an earlier one brought is not in them.
struct ClaudeImportReport {
  std::uint64_t files = 0;            ///< Files recognised: logs, documents, results.
  std::uint64_t files_unchanged = 0;  ///< Of these, files with nothing new.
  std::uint64_t bytes_read = 0;
  std::uint64_t lines = 0;     ///< Lines read, good and bad, without empty ones.
  std::uint64_t sessions = 0;  ///< New rows of each kind.
  std::uint64_t messages = 0;
  std::uint64_t tool_calls = 0;
  std::uint64_t agents = 0;
  std::uint64_t events = 0;
  std::uint64_t documents = 0;
  std::uint64_t settings = 0;
  std::map<std::string, std::uint64_t> records;        ///< Lines by record type.
  std::map<std::string, std::uint64_t> unknown_types;  ///< Of these, types this version does not know; kept as events.
  std::uint64_t bad = 0;  ///< Lines set aside, now or in the last line of a file that is still being written.
  std::vector<BadLine> bad_lines;
  std::uint64_t skipped_files = 0;   ///< `.jsonl` files that are no session logs, and files that could not be read.
  std::vector<std::string> skipped;  ///< At most 100 of them, with the reason.
  /// What came to the modules with it: rows of "agents", "contexts", "memories", "snapshots" and "events" that were
  /// made or changed.
  std::map<std::string, std::uint64_t> mapped;
  std::map<std::string, std::uint64_t>
      not_mapped;             ///< What is in the import's own tables only: how many, by the reason.
  std::uint64_t changed = 0;  ///< Entities that changed in the hive; 0 when the same tree comes again (C1).
  Receipt receipt;            ///< Of the last commit, or of the head of the log when there was none.
};

/// Imports `path`: `~/.claude` itself, its `projects` folder, one project's folder, a folder that contains `.claude/`,
/// a
/// `.claude` folder, a `.claude/` tree under another name, or one `.jsonl` file. Commits batch by batch; a killed
/// import is resumed by running it again. `progress` is called with bytes done and bytes in all. Errors: `not_found`
/// (no such path, or nothing in it that Claude Code writes), `unavailable` (the path itself cannot be read), and what
/// `Hive::commit` returns; the batches committed before stay. Blocks; one import at a time on a hive.
Result<ClaudeImportReport> import_claude(Hive& hive, const std::filesystem::path& path,
                                         const ClaudeImportOptions& options = {}, const Progress& progress = {});

}  // namespace triune::intake
