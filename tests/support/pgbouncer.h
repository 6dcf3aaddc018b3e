// A PgBouncer of a test's own, in front of a PostgreSQL server, giving each transaction any of its connections.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>

#include "support/postgres_process.h"

namespace triune::testing {

class PostgresServer;

/// Starts on construction, stops on destruction, and dies with the test program. `pool_size`: connections to each
/// database. Throws std::runtime_error with its log when it does not start.
class Pgbouncer {
 public:
  explicit Pgbouncer(const PostgresServer& server, int pool_size = 4);
  Pgbouncer(const Pgbouncer&) = delete;
  Pgbouncer& operator=(const Pgbouncer&) = delete;
  ~Pgbouncer();

  /// `postgresql://…`, to be opened with `transaction_pooler`.
  [[nodiscard]] std::string url(const std::string& database) const;
  [[nodiscard]] int port() const { return port_; }

 private:
  void write_settings(const PostgresServer& server, int pool_size) const;
  bool wait_until_ready();
  void stop();

  std::filesystem::path directory_;
  int port_ = 0;
  pid_t process_ = 0;
  std::unique_ptr<Watcher> watcher_;
};

/// One in front of the shared server, for the cases of a program.
Pgbouncer& shared_pgbouncer();

}  // namespace triune::testing
