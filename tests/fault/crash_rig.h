// Runs the crash writer on a hive, kills it, and compares what is left with what was acknowledged.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fault/workload.h"
#include "support/child_process.h"
#include "triune/hive.h"

namespace triune::testing {

/// What one thread of the writer was told.
struct Acknowledged {
  std::uint64_t commits = 0;
  std::uint64_t lsn = 0;         ///< Of the last.
  bool nothing_besides = false;  ///< The next commit failed, and was said to have done nothing.
};

/// What one run of the writer said and how it ended.
struct WriterRun {
  Ending ending;
  std::map<std::string, Acknowledged> threads;
  std::vector<std::string> errors;
  bool loaded = false;  ///< The bulk load beside the writers came to its end.
  [[nodiscard]] std::uint64_t commits() const;
  [[nodiscard]] std::uint64_t lsn() const;  ///< The highest acknowledged.
};

/// A running crash writer whose lines are kept.
class WriterProcess {
 public:
  WriterProcess(const std::vector<std::string>& arguments, const ChildProcess::Environment& environment);

  /// Reads for so long, or until the output ends; returns false then. Fills `run`.
  bool collect(std::chrono::milliseconds patience);
  /// Reads until the writer has opened its hive; false when it ended before.
  bool wait_until_ready();
  void send(int signal) const { child_.send(signal); }
  void freeze() const { child_.freeze(); }
  /// Reads what is left and waits for the end.
  WriterRun finish();

 private:
  void note(const std::string& line);

  ChildProcess child_;
  WriterRun run_;
  bool ready_ = false;
};

/// What goes on beside the writing threads.
enum class Beside : std::uint8_t { maintenance, maintenance_and_load };

/// One hive through many crashes. Its methods report violations as test failures.
class CrashRig {
 public:
  explicit CrashRig(std::filesystem::path directory, unsigned writers = 16)
      : directory_(std::move(directory)), writers_(writers) {}

  /// Begins a round; its threads are named by `thread_name`.
  void next_round() { ++round_; }
  [[nodiscard]] std::string thread_name(unsigned number) const;
  /// Begins a round and starts its 16 writing threads in a process. `failpoint` is "NAME:N" or empty.
  std::unique_ptr<WriterProcess> start(const std::string& failpoint = {}, Beside beside = Beside::maintenance);
  /// Opens the hive after the run's process is gone and checks everything: acknowledged commits whole, unacknowledged
  /// ones whole or absent, projections current and equal, blobs there; then sends what was not acknowledged again (I1,
  /// I3, I8, I11).
  void check(const WriterRun& run);

  /// Runs the bulk load that crashes interrupted to its end: it leaves what one leaves that nothing disturbed.
  void finish_load();

  [[nodiscard]] std::uint64_t commits_checked() const { return commits_checked_; }
  [[nodiscard]] const std::filesystem::path& directory() const { return directory_; }

 private:
  void settle(Hive& hive, const std::string& thread, const Acknowledged& acknowledged, const Contents& found);

  std::filesystem::path directory_;
  unsigned writers_;
  unsigned round_ = 0;
  std::map<std::string, Contents> settled_;  // of the threads of earlier rounds
  std::uint64_t commits_checked_ = 0;
};

/// Waits until every projection holds the head of the log and is current.
void expect_current(Hive& hive);

/// Compares canonical store and projections: by `verify`, and by counting in the graph engine itself.
void expect_equal_everywhere(Hive& hive);

/// The arguments of the crash writer.
std::vector<std::string> crash_writer(std::vector<std::string> arguments);

/// Opens a hive, as a test failure when it cannot be.
std::unique_ptr<Hive> open_hive(const std::filesystem::path& directory, HiveOptions options = {});

}  // namespace triune::testing
