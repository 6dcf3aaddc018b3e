#include "support/patroni.h"

#include <libpq-fe.h>
#include <signal.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

namespace triune::testing {
namespace {

constexpr auto patience = std::chrono::seconds(90);

/// The first cell of a query's answer; nothing when it has none.
std::string ask(const std::string& url, const char* sql) {
  const std::unique_ptr<PGconn, decltype(&PQfinish)> connection(PQconnectdb(url.c_str()), &PQfinish);
  const std::unique_ptr<PGresult, decltype(&PQclear)> answer(PQexec(connection.get(), sql), &PQclear);
  return PQntuples(answer.get()) > 0 ? PQgetvalue(answer.get(), 0, 0) : "";
}

std::string local(int port) {
  return "127.0.0.1:" + std::to_string(port);
}

}  // namespace

PatroniCluster::PatroniCluster() : directory_(temporary_folder_of_server("triune-patroni-")) {
  for (auto& port : ports_) port = free_port();
  for (auto& port : control_ports_) port = free_port();
  for (auto& port : raft_ports_) port = free_port();
  for (std::size_t member = 0; member < members; ++member) start(member);
  try {
    wait_until_standby_follows();
  } catch (...) {
    for (std::size_t member = 0; member < members; ++member) kill(member);
    throw;
  }
}

PatroniCluster::~PatroniCluster() {
  for (std::size_t member = 0; member < members; ++member) kill(member);
  std::error_code ignored;
  std::filesystem::remove_all(directory_, ignored);
}

std::filesystem::path PatroniCluster::folder(std::size_t member) const {
  return directory_ / std::to_string(member);
}

std::string PatroniCluster::partners(std::size_t member) const {
  std::string list;
  for (std::size_t other = 0; other < members; ++other)
    if (other != member) list += (list.empty() ? "\"" : ", \"") + local(raft_ports_[other]) + "\"";
  return list;
}

void PatroniCluster::write_settings(std::size_t member) const {
  std::ofstream out(folder(member) / "settings.yml");
  out << "raft:\n  self_addr: " << local(raft_ports_[member]) << "\n  partner_addrs: [" << partners(member)
      << "]\n  data_dir: " << (folder(member) / "raft").string() << '\n';
  if (member >= servers) return;
  const std::string control = local(control_ports_[member]);
  const std::string server = local(ports_[member]);
  out << "scope: triune\nname: server" << member << "\nrestapi: {listen: \"" << control << "\", connect_address: \""
      << control << "\"}\n"
      << "bootstrap:\n"
         "  dcs: {ttl: 20, loop_wait: 1, retry_timeout: 3, failsafe_mode: true, synchronous_mode: true}\n"
         "  initdb: [{encoding: UTF8}, {locale: C.UTF-8}, {auth: trust}]\n"
         "  pg_hba: [local all all trust, host all all 127.0.0.1/32 trust, host replication all 127.0.0.1/32 trust]\n"
      << "postgresql:\n  listen: \"" << server << "\"\n  connect_address: \"" << server
      << "\"\n  bin_dir: " << postgres_programs().string() << "\n  data_dir: " << (folder(member) / "data").string()
      << "\n  pgpass: " << (folder(member) / "passwords").string()
      << "\n  authentication: {superuser: {username: triune}, replication: {username: replicator}}\n"
         "  parameters: {fsync: \"off\", shared_buffers: 32MB, unix_socket_directories: \""
      << folder(member).string() << "\"}\n";
}

void PatroniCluster::start(std::size_t member) {
  std::filesystem::create_directory(folder(member));
  std::filesystem::create_directory(folder(member) / "raft");
  write_settings(member);
  for (const auto& path : {folder(member), folder(member) / "raft", folder(member) / "settings.yml"})
    give_to_server(path);
  const std::string program = member < servers ? "/usr/bin/patroni" : "/usr/bin/patroni_raft_controller";
  if (!std::filesystem::exists(program))
    throw std::runtime_error(program + " is not installed; ./dev installs patroni and python3-pysyncobj");
  Process& process = processes_[member];
  process.id = start_as_server({program, folder(member) / "settings.yml"}, folder(member) / "log");
  process.watcher = std::make_unique<Watcher>(process.id, std::vector{directory_});
}

void PatroniCluster::wait_until_standby_follows() const {
  const auto url = "postgresql://triune@" + hosts() + "/postgres?target_session_attrs=read-write";
  const auto until = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < until) {
    if (ask(url, "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'") == "1") return;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  throw std::runtime_error("Patroni's standby does not follow:\n" + logs());
}

std::string PatroniCluster::logs() const {
  std::string text;
  for (std::size_t member = 0; member < members; ++member) text += tail(folder(member) / "log", 2000) + "\n";
  return text;
}

std::string PatroniCluster::hosts() const {
  return local(ports_[0]) + "," + local(ports_[1]);
}

void PatroniCluster::kill_primary() {
  for (std::size_t member = 0; member < servers; ++member) {
    if (ask("postgresql://triune@" + local(ports_[member]) + "/postgres", "SELECT pg_is_in_recovery()") != "f")
      continue;
    kill(member);
    return;
  }
  throw std::runtime_error("Patroni has no primary:\n" + logs());
}

void PatroniCluster::kill(std::size_t member) {
  Process& process = processes_[member];
  if (process.id <= 0) return;
  ::kill(process.id, SIGKILL);
  while (::waitpid(process.id, nullptr, 0) < 0 && errno == EINTR) {
  }
  process.id = 0;
  // The server is no child of its Patroni. Its own children would hold the shared memory for a while.
  pid_t server = 0;
  if (!(std::ifstream(folder(member) / "data" / "postmaster.pid") >> server) || server <= 1) return;
  ::kill(server, SIGSTOP);
  const auto children = children_of(server);
  ::kill(server, SIGKILL);
  for (const pid_t child : children) ::kill(child, SIGKILL);
}

}  // namespace triune::testing
