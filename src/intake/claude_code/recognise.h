// What a file is, by its place, its name and its first bytes.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "intake/claude_code/discover.h"

namespace triune::intake::claude {

/// Whether `folder` is a `.claude/` tree, under this name or another.
bool is_claude_tree(const std::filesystem::path& folder);

/// Whether a folder of a `.claude/` tree is none of the importer's: caches, backups, other programs' data.
bool is_foreign_folder(const std::filesystem::path& folder, bool in_tree);

/// What `file` is; `tree` is the `.claude/` tree it is in, or empty. Nothing when it is not to be imported.
std::optional<Input> recognise(const std::filesystem::path& file, const std::filesystem::path& tree);

/// Whether a `.jsonl` file is a session log: a line near its start is a record with a type and an envelope. Also finds
/// the first and the last time in it.
bool read_log_head(Input& input);

}  // namespace triune::intake::claude
