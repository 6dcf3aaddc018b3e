#include "support/postgres_process.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace triune::testing {
namespace {

[[noreturn]] void throw_errno(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

/// The child's part between fork and exec: system calls only.
[[noreturn]] void become(char* const* command, Account account, int log, int input) {
  ::setsid();
  if (::geteuid() == 0 && (::setgroups(0, nullptr) != 0 || ::setgid(account.group) != 0 || ::setuid(account.user) != 0))
    ::_exit(126);
  ::dup2(input, 0);
  ::dup2(log, 1);
  ::dup2(log, 2);
  ::close_range(3, ~0U, 0);
  ::execv(command[0], command);
  ::_exit(127);
}

}  // namespace

Account server_account() {
  if (::geteuid() != 0) return {::geteuid(), ::getegid()};
  for (const char* name : {"postgres", "nobody"})
    if (const passwd* found = ::getpwnam(name); found != nullptr) return {found->pw_uid, found->pw_gid};
  throw std::runtime_error("PostgreSQL does not run as root, and there is no user postgres or nobody");
}

void give_to_server(const std::filesystem::path& path) {
  const Account account = server_account();
  if (::geteuid() == 0 && ::chown(path.c_str(), account.user, account.group) != 0)
    throw_errno("cannot give away " + path.string());
}

std::filesystem::path postgres_programs() {
  const char* given = std::getenv("TRIUNE_TEST_POSTGRES_PROGRAMS");
  std::filesystem::path folder = given == nullptr ? "/usr/lib/postgresql/15/bin" : given;
  if (!std::filesystem::exists(folder / "initdb"))
    throw std::runtime_error("PostgreSQL 15 is not in " + folder.string() + "; install postgresql-15 (./dev does)");
  return folder;
}

pid_t start_as_server(const std::vector<std::string>& command, const std::filesystem::path& log, int input) {
  std::vector<char*> words;
  for (const auto& word : command) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const Account account = server_account();
  const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const int nothing = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (output < 0 || nothing < 0) throw_errno("cannot open " + log.string());
  const pid_t child = ::fork();
  if (child == 0) become(words.data(), account, output, input < 0 ? nothing : input);
  ::close(output);
  ::close(nothing);
  if (child < 0) throw_errno("cannot fork");
  return child;
}

std::filesystem::path temporary_folder_of_server(const std::string& prefix) {
  auto pattern = (std::filesystem::temp_directory_path() / (prefix + "XXXXXX")).string();
  if (::mkdtemp(pattern.data()) == nullptr) throw_errno("cannot create " + pattern);
  give_to_server(pattern);
  return pattern;
}

Watcher::Watcher(pid_t process, const std::vector<std::filesystem::path>& folders) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw_errno("cannot make a pipe");
  // The end of this program closes the pipe; then `read` fails.
  const std::string number = std::to_string(process);
  std::string script = "read -r word || { kill -QUIT " + number + "; sleep 2; kill -KILL " + number + "; rm -rf";
  for (const auto& folder : folders) script += " " + folder.string();
  process_ = start_as_server({"/bin/sh", "-c", script + "; }"}, "/dev/null", ends[0]);
  ::close(ends[0]);
  pipe_ = ends[1];
}

Watcher::~Watcher() {
  [[maybe_unused]] const auto written = ::write(pipe_, "done\n", 5);
  ::close(pipe_);
  while (::waitpid(process_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

bool run_as_server(const std::vector<std::string>& command, const std::filesystem::path& log) {
  const pid_t child = start_as_server(command, log);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int free_port() {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  const bool found = ::bind(listener, plain, length) == 0 && ::getsockname(listener, plain, &length) == 0;
  ::close(listener);
  if (!found) throw_errno("cannot find a free port");
  return ntohs(address.sin_port);
}

std::string tail(const std::filesystem::path& file, std::size_t most) {
  std::ifstream stream(file);
  std::ostringstream text;
  text << stream.rdbuf();
  std::string all = text.str();
  return all.size() <= most ? all : all.substr(all.size() - most);
}

std::vector<pid_t> children_of(pid_t parent) {
  const std::string number = std::to_string(parent);
  std::ifstream list("/proc/" + number + "/task/" + number + "/children");
  std::vector<pid_t> children;
  for (pid_t child = 0; list >> child;) children.push_back(child);
  return children;
}

}  // namespace triune::testing
