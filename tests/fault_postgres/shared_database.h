// One database that several nodes share, and what must be true of it after faults.
#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "fault/crash_rig.h"
#include "fault_postgres/node_workload.h"
#include "support/postgres_server.h"
#include "support/temporary_directory.h"

namespace triune::testing {

/// A new database of a server and the directories of its nodes. Dropped with the object, if the server runs.
class SharedDatabase {
 public:
  explicit SharedDatabase(PostgresServer& server);
  ~SharedDatabase();
  SharedDatabase(const SharedDatabase&) = delete;
  SharedDatabase& operator=(const SharedDatabase&) = delete;

  [[nodiscard]] PostgresServer& server() const { return server_; }
  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string url() const { return server_.url(name_); }
  /// Where the node called so keeps its projections.
  [[nodiscard]] std::filesystem::path directory(const std::string& node) const { return directory_.path() / node; }
  /// Opens a node in this process; a test failure and null when it cannot be. `url` empty: the server's own.
  [[nodiscard]] std::unique_ptr<Hive> open(const std::string& node, const std::string& url = {}) const;
  /// Starts a node in a process of its own. `life`: which one under that name; its threads are called after both.
  [[nodiscard]] std::unique_ptr<WriterProcess> start(const std::string& node, unsigned threads, std::uint64_t commits,
                                                     unsigned life = 0) const;
  /// From now on each time that a task is put, by whatever way, leaves a trace of its own.
  void trace_effects() const;

 private:
  PostgresServer& server_;
  std::string name_;
  TemporaryDirectory directory_;
};

/// Everything that the threads of a run were told to be committed is there, and at most the one commit of each that was
/// under way besides; sent again, commits have no second effect and get the same answer (I1, I11). Returns how many
/// commits were found.
std::uint64_t expect_acknowledged(Hive& hive, const WriterRun& run);

/// What processes that ended in good order said: no errors, each failure clear.
void expect_clean(const WriterRun& run);

/// No edge without its ends, in the canonical store.
void expect_whole_edges(Hive& hive);

/// No task was put more often than commits put it.
void expect_single_effects(Hive& hive, const WriterRun& run);

}  // namespace triune::testing
