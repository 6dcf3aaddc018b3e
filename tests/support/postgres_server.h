// A PostgreSQL server of a test's own: private port, socket and data directory, gone with the test.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/postgres_process.h"

namespace triune::testing {

class PostgresServer;

struct PostgresOptions {
  /// Settings as in postgresql.conf, later ones win. Without any, a server forgets what a power cut would take.
  std::vector<std::pair<std::string, std::string>> settings;
  /// Existing directory for the data, as of a size-limited file system; empty: a temporary one.
  std::filesystem::path data_directory;
  bool durable = false;  ///< fsync and full pages on.
  /// A server that runs: this one begins as its copy and follows it, until it is promoted.
  const PostgresServer* standby_of = nullptr;
};

/// Starts on construction, stops on destruction; never runs as root, and dies with the test program however that ends.
/// Every method throws std::runtime_error with the server's log when it fails. In the use of one thread, but for
/// `create_database`, `drop_database` and `execute`.
class PostgresServer {
 public:
  explicit PostgresServer(PostgresOptions options = {});
  PostgresServer(const PostgresServer&) = delete;
  PostgresServer& operator=(const PostgresServer&) = delete;
  ~PostgresServer();

  enum class Stop { fast, immediate };
  void start();
  void stop(Stop how = Stop::fast);
  /// SIGKILL for the server and all of its processes at once, as when the machine goes.
  void kill9();
  void restart(Stop how = Stop::fast) {
    stop(how);
    start();
  }
  /// Whether others run it (TRIUNE_TEST_POSTGRES_URL).
  [[nodiscard]] bool external() const { return !external_.empty(); }
  [[nodiscard]] bool running() const { return process_ > 0 || !external_.empty(); }

  /// A standby becomes a server of its own, with a history of its own.
  void promote();

  /// `postgresql://…` over TCP.
  [[nodiscard]] std::string url(const std::string& database = "postgres") const;
  /// The same over the Unix socket.
  [[nodiscard]] std::string socket_url(const std::string& database = "postgres") const;
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] const std::filesystem::path& socket_directory() const { return directory_; }
  [[nodiscard]] const std::filesystem::path& data() const { return data_; }
  [[nodiscard]] pid_t process() const { return process_; }

  /// A new empty database; its name.
  std::string create_database();
  /// Drops it although sessions are connected.
  void drop_database(const std::string& database);
  /// One statement outside of any transaction; the first cell of its result, if any.
  std::string execute(const std::string& sql, const std::string& database = "postgres") const;
  /// The end of the server's log.
  [[nodiscard]] std::string log() const;

 private:
  friend PostgresServer& shared_postgres_server();
  struct External {
    std::string url;
  };
  explicit PostgresServer(External external) : external_(std::move(external.url)) {}
  void prepare_data();
  void remove_folders();
  bool try_start();
  bool wait_until_ready();
  void wait_for_end();
  [[noreturn]] void fail(const std::string& what) const;

  PostgresOptions options_;
  std::string external_;  ///< URL of a server that others run.
  std::filesystem::path directory_;
  std::filesystem::path data_;
  int port_ = 0;
  pid_t process_ = 0;
  std::unique_ptr<Watcher> watcher_;
};

/// The server that the cases of a program share, started at the first call; or the one that TRIUNE_TEST_POSTGRES_URL
/// names, whose user must be allowed to create databases.
PostgresServer& shared_postgres_server();

}  // namespace triune::testing
