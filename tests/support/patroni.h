// Two PostgreSQL servers under Patroni, the second a synchronous standby, and a voter without data: the smallest
// cluster that fails over by itself.
#pragma once

#include <sys/types.h>

#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "support/postgres_process.h"

namespace triune::testing {

/// Starts on construction and waits until the standby follows; stops on destruction, and dies with the test program.
/// Patroni keeps its own state by Raft, so that nothing else is needed. Throws std::runtime_error with the logs.
class PatroniCluster {
 public:
  PatroniCluster();
  PatroniCluster(const PatroniCluster&) = delete;
  PatroniCluster& operator=(const PatroniCluster&) = delete;
  ~PatroniCluster();

  /// `host:port,host:port` of both servers.
  [[nodiscard]] std::string hosts() const;
  /// SIGKILL for the primary and the Patroni beside it, as when their machine goes. Does not wait for what follows.
  void kill_primary();

 private:
  struct Process {
    pid_t id = 0;
    std::unique_ptr<Watcher> watcher;
  };
  void start(std::size_t member);
  void write_settings(std::size_t member) const;
  [[nodiscard]] std::string partners(std::size_t member) const;
  [[nodiscard]] std::filesystem::path folder(std::size_t member) const;
  void wait_until_standby_follows() const;
  [[nodiscard]] std::string logs() const;
  void kill(std::size_t member);

  static constexpr std::size_t servers = 2;
  static constexpr std::size_t members = 3;
  std::filesystem::path directory_;
  std::array<int, servers> ports_{};
  std::array<int, servers> control_ports_{};
  std::array<int, members> raft_ports_{};
  std::array<Process, members> processes_;
};

}  // namespace triune::testing
