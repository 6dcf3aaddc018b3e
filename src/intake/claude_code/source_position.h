// How far a file was read, and whether it is still the same file.
//
// A log only grows. The bytes read are recognised by their number and by hashes of their first and last 4 KiB, so a
// file that was moved over, cut or rewritten is read anew from its start, which changes nothing where its lines are
// known (C1).
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "intake/claude_code/row_cache.h"
#include "triune/status.h"

namespace triune::intake::claude {

struct SourcePosition {
  std::uint64_t bytes = 0;
  std::uint64_t lines = 0;
  bool restarted = false;  ///< The file was known and is another now.
};

/// Where reading `path` goes on, by what `source` (a row of `source_table`) remembers. Error: `unavailable`.
Result<SourcePosition> resume_position(const std::filesystem::path& path, const Row& source);

/// Puts the position reached into `source`.
Status remember_position(const std::filesystem::path& path, const SourcePosition& position, Row& source);

}  // namespace triune::intake::claude
