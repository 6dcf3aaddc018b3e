#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

#include "base/try.h"

namespace triune::base {
namespace {

std::atomic<bool> fault_installed{false};
std::mutex fault_mutex;
FileFault installed_fault;  // guarded by fault_mutex

int injected(FileOperation operation, const std::filesystem::path& path) {
  if (!fault_installed.load(std::memory_order_relaxed)) return 0;
  const std::scoped_lock lock(fault_mutex);
  return installed_fault ? installed_fault(operation, path) : 0;
}

Status system_failure(std::string_view what, const std::filesystem::path& path, int code) {
  const bool full = code == ENOSPC || code == EDQUOT;
  auto kind = full ? ErrorCode::resource_exhausted : ErrorCode::unavailable;
  if (code == ENOENT) kind = ErrorCode::not_found;
  Error error{.code = kind,
              .message = fmt::format("cannot {} {}: {}{}", what, path.string(), std::strerror(code),
                                     full ? "; free some space and try again" : ""),
              .engine = {},
              .native_code = std::to_string(code)};
  error.retry = full ? Retry::safe : Retry::never;
  return std::unexpected<Error>(std::move(error));
}

class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  [[nodiscard]] int get() const { return value_; }

 private:
  int value_;
};

Status write_all(int descriptor, std::span<const std::byte> bytes, const std::filesystem::path& path) {
  if (const int code = injected(FileOperation::write, path); code != 0) return system_failure("write", path, code);
  while (!bytes.empty()) {
    const auto written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_failure("write", path, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

Status sync_file(int descriptor, const std::filesystem::path& path) {
  if (const int code = injected(FileOperation::sync, path); code != 0) return system_failure("sync", path, code);
  // A failed fsync is never repeated: the kernel may have dropped the pages and would then report success.
  if (::fsync(descriptor) != 0) return system_failure("sync", path, errno);
  return {};
}

}  // namespace

void set_file_fault(FileFault fault) {
  const std::scoped_lock lock(fault_mutex);
  fault_installed = static_cast<bool>(fault);
  installed_fault = std::move(fault);
}

Status sync_directory(const std::filesystem::path& path) {
  if (const int code = injected(FileOperation::sync_directory, path); code != 0)
    return system_failure("sync the directory", path, code);
  const Descriptor directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) return system_failure("sync the directory", path, errno);
  return {};
}

Status create_directories_durably(const std::filesystem::path& path) {
  std::vector<std::filesystem::path> missing;
  for (auto at = path; !at.empty() && !std::filesystem::exists(at); at = at.parent_path()) missing.push_back(at);
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    if (::mkdir(at->c_str(), 0700) != 0 && errno != EEXIST) return system_failure("create", *at, errno);
    const auto parent = at->parent_path();
    TRIUNE_TRY(sync_directory(parent.empty() ? "." : parent));
  }
  return {};
}

Status rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (const int code = injected(FileOperation::rename, to); code != 0) return system_failure("rename to", to, code);
  if (::rename(from.c_str(), to.c_str()) != 0) return system_failure("rename to", to, errno);
  return sync_directory(to.parent_path().empty() ? "." : to.parent_path());
}

Status publish_durably(const std::filesystem::path& temporary, const std::filesystem::path& path) {
  {
    const Descriptor file(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return system_failure("open", temporary, errno);
    TRIUNE_TRY(sync_file(file.get(), temporary));
  }
  return rename_durably(temporary, path);
}

Status write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  TRIUNE_TRY(create_directories_durably(path.parent_path()));
  static std::atomic<std::uint64_t> counter{0};
  auto temporary = path;
  temporary += fmt::format(".{}.{}.tmp", ::getpid(), counter.fetch_add(1));
  if (const int code = injected(FileOperation::open, temporary); code != 0)
    return system_failure("create", temporary, code);
  Status status;
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (file.get() < 0) return system_failure("create", temporary, errno);
    status = write_all(file.get(), bytes, temporary);
    if (status) status = sync_file(file.get(), temporary);
  }
  if (status) status = rename_durably(temporary, path);
  if (!status) ::unlink(temporary.c_str());
  return status;
}

Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t limit_bytes) {
  if (const int code = injected(FileOperation::read, path); code != 0)
    return std::unexpected(system_failure("read", path, code).error());
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat information {};
  if (file.get() < 0 || ::fstat(file.get(), &information) != 0)
    return std::unexpected(system_failure("read", path, errno).error());
  const auto size = static_cast<std::uint64_t>(information.st_size);
  if (size > limit_bytes)
    return failure(ErrorCode::resource_exhausted, fmt::format("{} has {} bytes, more than the limit of {}",
                                                              path.string(), size, limit_bytes));
  Bytes bytes(size);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto count = ::read(file.get(), bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected(system_failure("read", path, errno).error());
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

Status remove_all(const std::filesystem::path& path) {
  if (const int code = injected(FileOperation::remove, path); code != 0) return system_failure("remove", path, code);
  std::error_code code;
  std::filesystem::remove_all(path, code);
  if (code) return system_failure("remove", path, code.value());
  return {};
}

std::span<const std::byte> as_bytes(std::string_view text) noexcept { return std::as_bytes(std::span(text)); }

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace triune::base
