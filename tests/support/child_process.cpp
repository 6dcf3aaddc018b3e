#include "support/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <utility>

extern char** environ;

namespace triune::testing {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  int reading = -1;
  int writing = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  return {ends[0], ends[1]};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

/// The parent's environment with `changes`, which come first and so win.
std::vector<std::string> environment_with(std::vector<std::string> changes) {
  for (char** variable = environ; *variable != nullptr; ++variable) changes.emplace_back(*variable);
  return changes;
}

pid_t spawn(std::vector<std::string> arguments, std::vector<std::string> environment, int output, bool errors_too) {
  posix_spawn_file_actions_t actions{};
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (errors_too) ::posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t process = -1;
  const auto argument_list = pointers(arguments);
  const auto variable_list = pointers(environment);
  const int code =
      ::posix_spawnp(&process, argument_list[0], &actions, nullptr, argument_list.data(), variable_list.data());
  ::posix_spawn_file_actions_destroy(&actions);
  if (code != 0) throw std::runtime_error("cannot start " + arguments[0]);
  return process;
}

Ending wait_for(pid_t process) {
  int status = 0;
  while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
  }
  if (WIFSIGNALED(status)) return {.exit_code = -1, .signal = WTERMSIG(status)};
  return {.exit_code = WEXITSTATUS(status), .signal = 0};
}

/// Whether every thread is stopped or dead.
bool rests(pid_t process) {
  const std::filesystem::path tasks = "/proc/" + std::to_string(process) + "/task";
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator(tasks, gone)) {
    std::ifstream file(task.path() / "stat");
    std::string line;
    std::getline(file, line);
    const auto name_end = line.rfind(") ");  // the name before it may hold anything
    if (name_end == std::string::npos) continue;
    const char state = line[name_end + 2];
    if (state != 'T' && state != 't' && state != 'Z' && state != 'X') return false;
  }
  return true;
}

}  // namespace

ChildProcess::ChildProcess(std::vector<std::string> arguments, const Environment& environment) {
  const Pipe pipe = make_pipe();
  process_ = spawn(std::move(arguments), environment_with(environment), pipe.writing, false);
  ::close(pipe.writing);
  output_ = pipe.reading;
}

ChildProcess::~ChildProcess() {
  if (process_ > 0) {
    ::kill(process_, SIGKILL);
    wait_for(process_);
  }
  ::close(output_);
}

bool ChildProcess::read_lines(std::chrono::milliseconds patience,
                              const std::function<bool(const std::string&)>& receive) {
  const auto end = Clock::now() + patience;
  for (;;) {
    for (auto at = pending_.find('\n'); at != std::string::npos; at = pending_.find('\n')) {
      const auto line = pending_.substr(0, at);
      pending_.erase(0, at + 1);
      if (!receive(line)) return true;
    }
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    pollfd waiting{.fd = output_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left, 0)));
    if (ready == 0) return true;
    std::array<char, 65536> buffer{};
    const auto count = ::read(output_, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    pending_.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

void ChildProcess::send(int signal) const {
  ::kill(process_, signal);
}

void ChildProcess::freeze() const {
  send(SIGSTOP);
  while (!rests(process_)) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

Ending ChildProcess::wait() {
  return wait_for(std::exchange(process_, -1));
}

Output run_program(const std::vector<std::string>& arguments) {
  const Pipe pipe = make_pipe();
  const pid_t process = spawn(arguments, environment_with({}), pipe.writing, true);
  ::close(pipe.writing);
  Output output;
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto count = ::read(pipe.reading, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    output.text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  ::close(pipe.reading);
  output.exit_code = wait_for(process).exit_code;
  return output;
}

}  // namespace triune::testing
