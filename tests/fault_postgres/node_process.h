// A node of a shared database in a process of its own, as the test sees it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "fault/crash_rig.h"
#include "support/child_process.h"

namespace triune::testing {

/// What the processes under one name were told and said.
struct NodeRun {
  std::map<std::string, Acknowledged> threads;
  std::map<std::string, std::uint64_t> failures;  ///< Attempts that failed, by "CODE RETRY".
  std::vector<std::string> unclear;               ///< Failures that no fault explains.
  std::vector<std::string> errors;
  std::uint64_t refused = 0;    ///< Edges to nodes that were gone.
  std::uint64_t not_asked = 0;  ///< Failed attempts that a circuit breaker kept from the server.
  std::string graph;            ///< Digests of the settled projections.
  std::string vectors;
  [[nodiscard]] std::uint64_t commits() const;
  [[nodiscard]] std::uint64_t failed() const;
};

/// Belongs to one thread; killed with the object.
class NodeProcess {
 public:
  NodeProcess(const std::string& url, const std::filesystem::path& directory, const std::string& name, unsigned threads,
              std::uint64_t commits);

  /// Reads for so long, or until the output ends; returns false then.
  bool collect(std::chrono::milliseconds patience);
  /// Until the hive is open, and until all is committed. False: the process ended before, or takes too long.
  bool wait_until_ready();
  bool wait_until_finished();
  /// Has it bring its projections to the head and compare them.
  void settle() const;
  /// Ends its writing after the commits under way.
  void stop_writing() const;
  void kill9();
  /// Reads what is left and waits for the end. Only afterwards `run` is complete.
  Ending finish();
  [[nodiscard]] const NodeRun& run() const { return run_; }

 private:
  void note(const std::string& line);
  bool wait_until(const bool& reached);

  ChildProcess child_;
  NodeRun run_;
  bool ready_ = false;
  bool finished_ = false;
};

}  // namespace triune::testing
