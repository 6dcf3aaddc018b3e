#include "support/pgbouncer.h"

#include <libpq-fe.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "support/postgres_process.h"
#include "support/postgres_server.h"

namespace triune::testing {

Pgbouncer::Pgbouncer(const PostgresServer& server, int pool_size)
    : directory_(temporary_folder_of_server("triune-pgbouncer-")) {
  for (int attempt = 0; attempt < 5; ++attempt) {
    port_ = free_port();
    write_settings(server, pool_size);
    process_ = start_as_server({"/usr/sbin/pgbouncer", (directory_ / "settings").string()}, directory_ / "log");
    watcher_ = std::make_unique<Watcher>(process_, std::vector{directory_});
    if (wait_until_ready()) return;
    stop();
  }
  const std::string log = tail(directory_ / "log");
  std::filesystem::remove_all(directory_);
  throw std::runtime_error("pgbouncer did not start; is it installed (./dev does)?\n" + log);
}

Pgbouncer::~Pgbouncer() {
  stop();
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

void Pgbouncer::write_settings(const PostgresServer& server, int pool_size) const {
  std::ofstream(directory_ / "settings") << "[databases]\n* = host=127.0.0.1 port=" << server.port() << " user=triune\n"
                                         << "[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = " << port_
                                         << "\nunix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
                                         << "max_client_conn = 2000\nmax_db_connections = " << pool_size
                                         << "\ndefault_pool_size = " << pool_size << "\nserver_idle_timeout = 10\n";
}

bool Pgbouncer::wait_until_ready() {
  for (int waited = 0; waited < 2000; ++waited) {
    if (::waitpid(process_, nullptr, WNOHANG) == process_) {
      process_ = 0;
      return false;
    }
    if (PQping(url("postgres").c_str()) == PQPING_OK) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return false;
}

void Pgbouncer::stop() {
  if (process_ > 0) {
    ::kill(process_, SIGTERM);
    while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  process_ = 0;
  watcher_.reset();
}

std::string Pgbouncer::url(const std::string& database) const {
  return "postgresql://triune@127.0.0.1:" + std::to_string(port_) + "/" + database;
}

Pgbouncer& shared_pgbouncer() {
  static Pgbouncer pooler(shared_postgres_server());
  return pooler;
}

}  // namespace triune::testing
