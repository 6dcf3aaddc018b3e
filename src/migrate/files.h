// Migrations as files of users: DIRECTORY/sqlite and DIRECTORY/postgres, each with pairs NNNN_name.up.sql and
// NNNN_name.down.sql, and NNNN_name.verify.sql where there is something to look at.
#pragma once

#include <deque>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "migrate/migrate.h"

namespace triune::migrate {

/// The texts of a directory and the migrations that refer to them.
struct MigrationFiles {
  std::filesystem::path folder;
  std::vector<Migration> migrations;
  std::deque<std::string> texts;

  /// FOLDER/NNNN_name.up.sql, or the file of another `part`.
  [[nodiscard]] std::string file(const Migration& migration, std::string_view part = "up") const;
};

/// "sqlite" or "postgres".
std::string_view folder_of(contract::Dialect dialect);

/// Reads DIRECTORY/DIALECT. Errors, each with the file and how to mend it: `not_found` when there is no such folder;
/// `invalid_argument` for a hole in the numbers, a number used twice, a file without its pair, a name that is none.
Result<MigrationFiles> read_files(const std::filesystem::path& directory, contract::Dialect dialect);

/// Makes the next pair in both folders, or the declaration of a change, with what belongs in them; the files made.
/// Errors: `invalid_argument` for a name other than small letters, digits and '_'.
Result<std::vector<std::string>> new_files(const std::filesystem::path& directory, const std::string& name,
                                           bool change = false);

}  // namespace triune::migrate
