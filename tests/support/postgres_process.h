// Running PostgreSQL's programs as somebody who is not root.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <vector>

namespace triune::testing {

/// Whom servers run as: the caller, or the user `postgres` when the caller is root.
struct Account {
  uid_t user;
  gid_t group;
};
Account server_account();

/// Gives `path` to the server's account.
void give_to_server(const std::filesystem::path& path);

/// Where the programs of PostgreSQL 15 are.
std::filesystem::path postgres_programs();

/// Starts a program as the server's account, output appended to `log`, input from `input` (-1: nothing). The child has
/// no other descriptors. Returns its process id.
pid_t start_as_server(const std::vector<std::string>& command, const std::filesystem::path& log, int input = -1);

/// A new directory that belongs to the server's account.
std::filesystem::path temporary_folder_of_server(const std::string& prefix);

/// Ends a process and removes folders when this program ends before the watcher does, whatever it dies of.
class Watcher {
 public:
  Watcher(pid_t process, const std::vector<std::filesystem::path>& folders);
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;
  ~Watcher();

 private:
  pid_t process_ = 0;
  int pipe_ = -1;
};

/// Runs it to its end; whether it succeeded.
bool run_as_server(const std::vector<std::string>& command, const std::filesystem::path& log);

/// A port of 127.0.0.1 that was free a moment ago.
int free_port();

/// The whole text of a file, or its last `most` bytes.
std::string tail(const std::filesystem::path& file, std::size_t most = 8000);

/// Every process whose parent is `parent`.
std::vector<pid_t> children_of(pid_t parent);

}  // namespace triune::testing
