#include "adapters/lancedb/worker_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "adapters/lancedb/worker_script.h"
#include "base/try.h"

namespace triune::adapters::lancedb {
namespace {

constexpr int socket_in_child = 3;
constexpr int script_in_child = 4;
constexpr std::string_view magic = "TLW1";
constexpr std::size_t prefix_size = 16;
constexpr std::uint32_t largest_header = 1U << 20U;
constexpr std::uint64_t largest_body = 1ULL << 31U;
constexpr auto patience_at_the_end = std::chrono::milliseconds(2'000);

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  [[nodiscard]] int get() const { return number_; }
  int release() { return std::exchange(number_, -1); }

 private:
  int number_;
};

std::unexpected<Error> system_failure(std::string_view what) {
  return failure(ErrorCode::unavailable, fmt::format("{}: {}", what, std::strerror(errno)));
}

// A file without a name that holds the program, so that no file of another version can be run instead.
Result<int> script_file() {
  Descriptor file(memfd_create("triune-lancedb-worker", MFD_CLOEXEC));
  if (file.get() < 0) return system_failure("no memory file for LanceDB's program");
  for (std::size_t at = 0; at < worker_script.size();) {
    const ssize_t written = write(file.get(), worker_script.data() + at, worker_script.size() - at);
    if (written <= 0) return system_failure("LanceDB's program cannot be written");
    at += static_cast<std::size_t>(written);
  }
  return file.release();
}

// The parent's environment, and bounds on the engine's thread pools that the user has not set.
std::vector<std::string> environment_for(const WorkerLimits& limits) {
  std::vector<std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) all.emplace_back(*entry);
  const auto set = [&](const char* name, std::uint64_t value) {
    if (std::getenv(name) == nullptr) all.push_back(fmt::format("{}={}", name, value));
  };
  for (const char* pool : {"TOKIO_WORKER_THREADS", "LANCE_CPU_THREADS", "RAYON_NUM_THREADS"}) set(pool, limits.threads);
  set("LANCE_IO_THREADS", 2ULL * limits.threads);
  set("OMP_NUM_THREADS", 1);
  set("TRIUNE_LANCEDB_CACHE_BYTES", limits.cache_bytes);
  return all;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

Result<pid_t> spawn(const std::filesystem::path& python, const WorkerLimits& limits, int socket, int script) {
  std::vector<std::string> arguments{python.string(), "-I", fmt::format("/proc/self/fd/{}", script_in_child)};
  auto environment = environment_for(limits);
  const char* log = std::getenv("TRIUNE_LANCEDB_LOG");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, log == nullptr ? "/dev/null" : log, O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  posix_spawn_file_actions_adddup2(&actions, socket, socket_in_child);
  posix_spawn_file_actions_adddup2(&actions, script, script_in_child);
  pid_t process = -1;
  const int error = posix_spawn(&process, python.c_str(), &actions, nullptr, pointers_to(arguments).data(),
                                pointers_to(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error == 0) return process;
  errno = error;
  return system_failure(fmt::format("{} cannot be started", python.string()));
}

// Above the child's numbers, so that giving them one of its places does not overwrite another.
Result<int> moved_up(int descriptor) {
  const Descriptor old(descriptor);
  const int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 16);
  if (moved < 0) return system_failure("no file descriptor for LanceDB's process");
  return moved;
}

}  // namespace

Result<std::unique_ptr<WorkerProcess>> WorkerProcess::start(const std::filesystem::path& python,
                                                            const WorkerLimits& limits) {
  std::array<int, 2> ends{-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return system_failure("no socket for LanceDB's process");
  Descriptor ours(ends[0]);
  TRIUNE_ASSIGN(const int theirs_moved, moved_up(ends[1]));
  const Descriptor theirs(theirs_moved);
  TRIUNE_ASSIGN(const int script_made, script_file());
  TRIUNE_ASSIGN(const int script_moved, moved_up(script_made));
  const Descriptor script(script_moved);
  TRIUNE_ASSIGN(const pid_t process, spawn(python, limits, theirs.get(), script.get()));
  return std::unique_ptr<WorkerProcess>(new WorkerProcess(process, ours.release()));
}

WorkerProcess::~WorkerProcess() {
  close(socket_);
  const auto deadline = Deadline::after(patience_at_the_end);
  int status = 0;
  while (waitpid(process_, &status, WNOHANG) == 0) {
    if (deadline.expired()) {
      kill(process_, SIGKILL);
      waitpid(process_, &status, 0);
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

Status WorkerProcess::send(std::string_view header, const std::vector<std::string>& parts, Deadline deadline) {
  std::uint64_t body = 0;
  for (const auto& part : parts) body += part.size();
  if (header.size() > largest_header || body > largest_body)
    return failure(ErrorCode::resource_exhausted,
                   fmt::format("a request of {} bytes is too large for LanceDB's process; send less at once", body));
  std::string start(magic);
  const auto header_size = static_cast<std::uint32_t>(header.size());
  start.append(reinterpret_cast<const char*>(&header_size), sizeof header_size);
  start.append(reinterpret_cast<const char*>(&body), sizeof body);
  start += header;
  TRIUNE_TRY(send_all(start, deadline));
  for (const auto& part : parts) TRIUNE_TRY(send_all(part, deadline));
  return {};
}

Status WorkerProcess::send_all(std::string_view bytes, Deadline deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return system_failure("LanceDB's process does not listen");
    pollfd wait{.fd = socket_, .events = POLLOUT, .revents = 0};
    const auto left = std::min<std::int64_t>(deadline.remaining().count(), 1'000);
    poll(&wait, 1, static_cast<int>(left));
    if (deadline.expired()) return failure(ErrorCode::unavailable, "LanceDB's process has stopped reading");
  }
  return {};
}

Status WorkerProcess::receive_all(char* bytes, std::size_t size) {
  while (size > 0) {
    const ssize_t got = recv(socket_, bytes, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return failure(ErrorCode::unavailable, "LanceDB's process has ended");
    bytes += got;
    size -= static_cast<std::size_t>(got);
  }
  return {};
}

Result<Frame> WorkerProcess::receive() {
  std::array<char, prefix_size> prefix{};
  TRIUNE_TRY(receive_all(prefix.data(), prefix.size()));
  std::uint32_t header = 0;
  std::uint64_t body = 0;
  std::memcpy(&header, prefix.data() + magic.size(), sizeof header);
  std::memcpy(&body, prefix.data() + magic.size() + sizeof header, sizeof body);
  if (std::string_view(prefix.data(), magic.size()) != magic || header > largest_header || body > largest_body)
    return failure(ErrorCode::unavailable, "LanceDB's process sent no frame");
  Frame frame;
  frame.header.resize(header);
  frame.body.resize(body);
  TRIUNE_TRY(receive_all(frame.header.data(), header));
  TRIUNE_TRY(receive_all(frame.body.data(), body));
  return frame;
}

void WorkerProcess::hang_up() noexcept {
  shutdown(socket_, SHUT_RDWR);
}

}  // namespace triune::adapters::lancedb
