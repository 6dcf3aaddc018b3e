// A process that writes to a hive, tells each acknowledgement, and may be killed: crash_writer and node_writer.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "support/child_process.h"

namespace triune::testing {

/// What one thread of a writer was told.
struct Acknowledged {
  std::uint64_t commits = 0;
  std::uint64_t lsn = 0;         ///< Of the last.
  bool nothing_besides = false;  ///< The next commit failed, and was said to have done nothing.
};

/// What a writer said and how it ended.
struct WriterRun {
  Ending ending;
  std::map<std::string, Acknowledged> threads;
  std::vector<std::string> errors;
  bool loaded = false;                            ///< The bulk load beside the writers came to its end.
  std::map<std::string, std::uint64_t> failures;  ///< Attempts that failed and were made again, by "CODE RETRY".
  std::vector<std::string> unclear;               ///< Failures that no fault explains.
  std::uint64_t refused = 0;                      ///< Edges to nodes that were gone.
  std::uint64_t not_asked = 0;                    ///< Failed attempts that a circuit breaker kept from the server.
  std::string graph;                              ///< Digests of the settled projections.
  std::string vectors;
  [[nodiscard]] std::uint64_t commits() const;
  [[nodiscard]] std::uint64_t lsn() const;  ///< The highest acknowledged.
  [[nodiscard]] std::uint64_t failed() const;
};

/// A running writer whose lines are kept. Belongs to one thread; killed with the object.
class WriterProcess {
 public:
  explicit WriterProcess(const std::vector<std::string>& arguments, const ChildProcess::Environment& environment = {});

  /// Reads for so long, or until the output ends; returns false then.
  bool collect(std::chrono::milliseconds patience);
  /// Until the hive is open, and until all is committed. False: the process ended before, or takes too long.
  bool wait_until_ready();
  bool wait_until_finished();
  void send(int signal) const { child_.send(signal); }
  void freeze() const { child_.freeze(); }
  /// Has a node end its writing after the commits under way.
  void stop_writing() const;
  /// Has a node bring its projections to the head and compare them.
  void settle() const;
  /// Reads what is left and waits for the end.
  WriterRun finish();
  /// What it said so far.
  [[nodiscard]] const WriterRun& run() const { return run_; }

 private:
  void note(const std::string& line);
  void note_failure(const std::string& line);
  void note_acknowledgement(const std::string& line);
  bool wait_until(const bool& reached);

  ChildProcess child_;
  WriterRun run_;
  bool ready_ = false;
  bool finished_ = false;
};

}  // namespace triune::testing
