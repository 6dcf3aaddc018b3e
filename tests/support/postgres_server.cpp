#include "support/postgres_server.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>

#include "support/postgres_process.h"

namespace triune::testing {
namespace {

constexpr auto patience = std::chrono::seconds(60);
constexpr auto step = std::chrono::milliseconds(5);

bool ours(const std::filesystem::path& path) {
  struct stat status{};
  return ::lstat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode) && status.st_uid == server_account().user;
}

/// A data directory that initdb made once for all test programs of this machine. Whoever comes first makes it under a
/// name of its own and moves it there; whoever loses that race throws its own away.
std::filesystem::path template_data() {
  const auto account = server_account();
  const auto place =
      std::filesystem::temp_directory_path() / ("triune-postgres-15-template-" + std::to_string(account.user));
  if (ours(place / "data")) return place / "data";
  const auto own = temporary_folder_of_server("triune-postgres-initdb-");
  const bool made =
      run_as_server({postgres_programs() / "initdb", "--pgdata=" + (own / "data").string(), "--username=triune",
                     "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"},
                    own / "log");
  if (!made) throw std::runtime_error("initdb failed: " + tail(own / "log"));
  std::error_code taken;
  std::filesystem::rename(own, place, taken);
  if (taken) std::filesystem::remove_all(own);
  if (!ours(place / "data")) throw std::runtime_error("somebody else owns " + place.string());
  return place / "data";
}

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;
using Answer = std::unique_ptr<PGresult, decltype(&PQclear)>;

}  // namespace

PostgresServer::PostgresServer(PostgresOptions options) : options_(std::move(options)) {
  directory_ = temporary_folder_of_server("triune-postgres-");
  try {
    prepare_data();
    start();
  } catch (...) {
    remove_folders();
    throw;
  }
}

void PostgresServer::remove_folders() {
  std::error_code ignored;
  std::filesystem::remove_all(data_, ignored);
  std::filesystem::remove_all(directory_, ignored);
}

PostgresServer::~PostgresServer() {
  if (!external_.empty()) return;
  try {
    if (process_ > 0) stop(Stop::immediate);
  } catch (const std::exception&) {
    // The watcher ends the server when this program ends.
  }
  remove_folders();
}

void PostgresServer::prepare_data() {
  data_ = (options_.data_directory.empty() ? directory_ : options_.data_directory) / "data";
  if (!options_.data_directory.empty()) give_to_server(options_.data_directory);
  const auto log = directory_ / "log";
  if (options_.standby_of != nullptr) {
    if (!run_as_server({postgres_programs() / "pg_basebackup", "--pgdata=" + data_.string(), "--write-recovery-conf",
                        "--checkpoint=fast", "--no-sync", "--dbname=" + options_.standby_of->url()},
                       log))
      fail("cannot copy the server that runs");
    return;
  }
  if (!run_as_server({"/bin/cp", "-a", "--reflink=auto", template_data(), data_}, log))
    fail("cannot copy the data directory");
}

void PostgresServer::start() {
  if (!external_.empty()) throw std::runtime_error("this server belongs to somebody else");
  // The port may be taken by another between looking for it and using it; after the first start it stays the same.
  for (int attempt = 0; attempt < 5; ++attempt) {
    if (try_start()) return;
    if (tail(directory_ / "log").find("Address already in use") == std::string::npos) break;
    port_ = 0;
  }
  fail("PostgreSQL did not start");
}

bool PostgresServer::try_start() {
  if (port_ == 0) port_ = free_port();
  std::vector<std::string> command{postgres_programs() / "postgres", "-D", data_};
  const auto set = [&command](const std::string& name, const std::string& value) {
    command.insert(command.end(), {"-c", name + "=" + value});
  };
  set("listen_addresses", "127.0.0.1");
  set("port", std::to_string(port_));
  set("unix_socket_directories", directory_);
  set("logging_collector", "off");
  set("shared_buffers", "64MB");
  if (!options_.durable)
    for (const char* name : {"fsync", "full_page_writes"}) set(name, "off");
  for (const auto& [name, value] : options_.settings) set(name, value);
  process_ = start_as_server(command, directory_ / "log");
  watcher_ = std::make_unique<Watcher>(process_, std::vector{data_, directory_});
  if (wait_until_ready()) return true;
  if (process_ > 0) kill9();
  return false;
}

bool PostgresServer::wait_until_ready() {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    if (::waitpid(process_, nullptr, WNOHANG) == process_) {
      process_ = 0;
      watcher_.reset();
      return false;
    }
    if (PQping(socket_url().c_str()) == PQPING_OK) return true;
    std::this_thread::sleep_for(step);
  }
  return false;
}

void PostgresServer::stop(Stop how) {
  if (process_ <= 0) throw std::runtime_error("the server does not run here");
  ::kill(process_, how == Stop::fast ? SIGINT : SIGQUIT);
  wait_for_end();
}

void PostgresServer::kill9() {
  if (process_ <= 0) throw std::runtime_error("the server does not run here");
  // Its processes leave its group, and those that outlive it would hold the shared memory.
  ::kill(process_, SIGSTOP);
  const auto children = children_of(process_);
  ::kill(process_, SIGKILL);
  for (const pid_t child : children) ::kill(child, SIGKILL);
  wait_for_end();
  for (const pid_t child : children)
    while (::kill(child, 0) == 0) std::this_thread::sleep_for(step);
}

void PostgresServer::promote() {
  if (execute("SELECT pg_promote()") != "t") fail("the standby was not promoted");
}

void PostgresServer::wait_for_end() {
  const auto until = std::chrono::steady_clock::now() + patience;
  while (::waitpid(process_, nullptr, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() > until) ::kill(process_, SIGKILL);
    std::this_thread::sleep_for(step);
  }
  process_ = 0;
  watcher_.reset();
}

std::string PostgresServer::url(const std::string& database) const {
  if (external_.empty()) return "postgresql://triune@127.0.0.1:" + std::to_string(port_) + "/" + database;
  // Everything but the path of the URL stays.
  const auto authority = external_.find("://") + 3;
  const auto path = std::min(external_.find('/', authority), external_.find('?', authority));
  const auto query = external_.find('?', authority);
  return external_.substr(0, path) + "/" + database + (query == std::string::npos ? "" : external_.substr(query));
}

std::string PostgresServer::socket_url(const std::string& database) const {
  if (!external_.empty()) return url(database);
  return "postgresql://triune@/" + database + "?host=" + directory_.string() + "&port=" + std::to_string(port_);
}

std::string PostgresServer::create_database() {
  static const unsigned program = std::random_device{}();
  static std::atomic<int> next{0};
  const std::string name = "triune_test_" + std::to_string(program) + "_" + std::to_string(next.fetch_add(1));
  execute("CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8'");
  return name;
}

void PostgresServer::drop_database(const std::string& database) {
  execute("DROP DATABASE IF EXISTS " + database + " WITH (FORCE)");
}

std::string PostgresServer::execute(const std::string& sql, const std::string& database) const {
  const Connection connection(PQconnectdb(socket_url(database).c_str()), &PQfinish);
  const Answer answer(PQexec(connection.get(), sql.c_str()), &PQclear);
  const auto status = PQresultStatus(answer.get());
  if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) fail(sql + ": " + PQerrorMessage(connection.get()));
  return PQntuples(answer.get()) > 0 && PQnfields(answer.get()) > 0 ? PQgetvalue(answer.get(), 0, 0) : "";
}

std::string PostgresServer::log() const {
  return external_.empty() ? tail(directory_ / "log") : std::string();
}

void PostgresServer::fail(const std::string& what) const {
  throw std::runtime_error(what + "\n" + log());
}

PostgresServer& shared_postgres_server() {
  static const std::unique_ptr<PostgresServer> server = [] {
    const char* given = std::getenv("TRIUNE_TEST_POSTGRES_URL");
    if (given != nullptr && *given != '\0')
      return std::unique_ptr<PostgresServer>(new PostgresServer(PostgresServer::External{given}));
    return std::make_unique<PostgresServer>(PostgresOptions{.settings = {{"max_connections", "200"}}});
  }();
  return *server;
}

}  // namespace triune::testing
