// One running worker process and the socket to it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::adapters::lancedb {

/// A frame as worker.py describes it.
struct Frame {
  std::string header;
  std::string body;
};

/// Bounds of the process.
struct WorkerLimits {
  std::uint32_t threads = 2;
  std::uint64_t cache_bytes = 256ULL << 20U;
};

/// Destruction closes the socket, waits a little for the process to end by itself, and kills it otherwise.
/// Thread rule: `send` by one thread at a time, `receive` by one thread; the rest by any.
class WorkerProcess {
 public:
  /// Starts `python` with the compiled-in program. Errors: `unavailable`.
  static Result<std::unique_ptr<WorkerProcess>> start(const std::filesystem::path& python, const WorkerLimits& limits);

  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();

  /// Writes one frame. After an error, which may have left a part of it, the process is to be given up.
  Status send(std::string_view header, const std::vector<std::string>& parts, Deadline deadline);
  /// Waits for the next frame. Errors: `unavailable` once the process has ended or `hang_up` was called.
  Result<Frame> receive();
  /// Makes `receive` return, from any thread.
  void hang_up() noexcept;
  [[nodiscard]] pid_t id() const { return process_; }

 private:
  WorkerProcess(pid_t process, int socket) : process_(process), socket_(socket) {}
  Status send_all(std::string_view bytes, Deadline deadline);
  Status receive_all(char* bytes, std::size_t size);

  pid_t process_;
  int socket_;
};

}  // namespace triune::adapters::lancedb
