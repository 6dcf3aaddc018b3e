// What there is to import under a path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "triune/status.h"

namespace triune::intake::claude {

enum class InputKind : std::uint8_t {
  session_log,
  history,
  tool_result,  ///< A tool's large output in a file of its own.
  agent_notes,  ///< `agent-ID.meta.json`
  document,     ///< A file of a `.claude/` tree.
};

struct Input {
  std::filesystem::path path;  ///< Absolute.
  InputKind kind = InputKind::document;
  std::uint64_t size = 0;
  std::string document_kind;  ///< "settings", "agent", "command", "memory", …
  std::string scope;          ///< Of settings: "managed", "local", "project", "user".
  std::string first_at;       ///< Of a log: first and last time in it, for the order of import.
  std::string last_at;
};

struct Discovery {
  std::vector<Input> inputs;  ///< Logs first, the older before the younger: a resumed session repeats an older one.
  std::vector<std::string> skipped;  ///< `.jsonl` files that are nothing known, with the reason.
  std::uint64_t bytes = 0;
};

/// Walks `path`. Symbolic links are followed, except up to a folder that the walk is in; each folder is visited once.
/// Errors: `not_found` (no such path, nothing recognised), `unavailable`.
Result<Discovery> discover(const std::filesystem::path& path);

}  // namespace triune::intake::claude
