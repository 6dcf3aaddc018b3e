// Where a test's hive is. The same tests run on a directory and, with TRIUNE_TEST_STORE=postgres, on a database of a
// server that the test program starts; with TRIUNE_TEST_STORE=pgbouncer the hive reaches it through PgBouncer in
// transaction mode.
#pragma once

#include <filesystem>
#include <string>

#include "support/child_process.h"
#include "triune/hive.h"

namespace triune::testing {

/// Whether this run is on PostgreSQL, through a pooler or not.
bool on_postgres();

/// A definition written for SQLite as this run's engine has it: without STRICT, with its names of types.
std::string in_dialect(std::string definition);

/// What answers in SQL, as routes name it.
std::string_view sql_engine();

/// One hive, gone with the object: close it before.
class HivePlace {
 public:
  /// Files go below `directory`; the hive is called `name` there.
  HivePlace(const std::filesystem::path& directory, const std::string& name);
  ~HivePlace();
  HivePlace(const HivePlace&) = delete;
  HivePlace& operator=(const HivePlace&) = delete;

  /// What `Hive::open` takes.
  [[nodiscard]] const std::string& location() const { return location_; }
  /// The options with which this place is to be opened.
  [[nodiscard]] HiveOptions options(HiveOptions options = {}) const;
  /// The place below the directory it was made with: the hive, or what a node that opens it is to be given.
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }
  /// The directory of the node's files: blobs, projections.
  [[nodiscard]] std::filesystem::path files() const;
  /// Runs statements in another program: the sqlite3 shell or psql. Its output; fails the test when it fails.
  std::string other_program(const std::string& statements) const;
  /// The same without an opinion on how it ends.
  Output try_other_program(const std::string& statements) const;
  /// Until the server has noticed that processes were killed: until then it goes on with what they had asked.
  void wait_until_alone() const;

 private:
  std::filesystem::path directory_;
  std::string location_;
  std::string database_;
};

}  // namespace triune::testing
