// Where a hive is: a directory, or a PostgreSQL database with a local directory for this node's projections.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "hive/directory_lock.h"
#include "triune/status.h"

namespace triune::hive {

struct Location {
  std::string url;                  ///< Of the database; empty for a directory. May hold a password: never shown.
  std::filesystem::path directory;  ///< Of a hive that is a directory.
};

/// `PATH`, `triune:PATH`, `postgresql://…` or `postgres://…`. Error: `invalid_argument` for other schemes.
Result<Location> parse_location(std::string_view text);

/// A database's URL without user, password and parameters: what messages and status show.
std::string public_name(std::string_view url);

/// The local directory of one node, which this process owns (I9).
struct NodeDirectory {
  std::filesystem::path path;
  std::string node_id;  ///< Stays the same for this directory.
  std::unique_ptr<DirectoryLock> lock;
};

/// Takes a directory under `root` that no other process has; a process that finds all taken makes another, so that
/// several processes of one machine work side by side. `root` empty: under the user's state directory, by the
/// database's name. Errors: `resource_exhausted` when 64 are taken, those of writing.
Result<NodeDirectory> claim_node_directory(std::filesystem::path root, std::string_view url);

}  // namespace triune::hive
