#include "base/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

#include "base/try.h"
#include "triune/ids.h"

namespace triune::base {
namespace {

constexpr std::string_view temporary_suffix = ".tmp";

std::atomic<bool> fault_installed{false};
std::mutex fault_mutex;
FileFault installed_fault;  // guarded by fault_mutex

int injected(FileOperation operation, const std::filesystem::path& path) {
  if (!fault_installed.load(std::memory_order_relaxed)) return 0;
  const std::scoped_lock lock(fault_mutex);
  return installed_fault ? installed_fault(operation, path) : 0;
}

std::unexpected<Error> system_failure(std::string_view what, const std::filesystem::path& path, int code) {
  const bool full = code == ENOSPC || code == EDQUOT;
  auto kind = full ? ErrorCode::resource_exhausted : ErrorCode::unavailable;
  if (code == ENOENT) kind = ErrorCode::not_found;
  Error error{.code = kind,
              .message = fmt::format("cannot {} {}: {}{}", what, path.string(), std::generic_category().message(code),
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

std::filesystem::path directory_of(const std::filesystem::path& path) {
  return path.has_parent_path() ? path.parent_path() : ".";
}

Status sync_descriptor(int descriptor, const std::filesystem::path& path) {
  if (const int code = injected(FileOperation::sync, path); code != 0) return system_failure("sync", path, code);
  // A failed fsync is never repeated: the kernel may have dropped the pages and would then report success.
  if (::fsync(descriptor) != 0) return system_failure("sync", path, errno);
  return {};
}

Status rename_file(const std::filesystem::path& from, const std::filesystem::path& to) {
  if (const int code = injected(FileOperation::rename, to); code != 0) return system_failure("rename to", to, code);
  if (::rename(from.c_str(), to.c_str()) != 0) return system_failure("rename to", to, errno);
  return {};
}

Result<Bytes> read_descriptor(int descriptor, std::uint64_t size, const std::filesystem::path& path) {
  Bytes bytes(size);
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto count = ::read(descriptor, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_failure("read", path, errno);
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
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

Status make_directory(const std::filesystem::path& path) {
  if (const int code = injected(FileOperation::create_directory, path); code != 0)
    return system_failure("create", path, code);
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return system_failure("create", path, errno);
  return {};
}

Status create_directories_durably(const std::filesystem::path& path) {
  // Under a lock, so that a directory which another thread is just creating is durable when it is found to exist.
  static std::mutex mutex;
  const std::scoped_lock lock(mutex);
  std::vector<std::filesystem::path> missing;
  std::error_code code;
  for (auto at = path; !at.empty() && !std::filesystem::exists(at, code); at = at.parent_path()) {
    if (code) return system_failure("look for", at, code.value());
    missing.push_back(at);
  }
  for (auto at = missing.rbegin(); at != missing.rend(); ++at) {
    TRIUNE_TRY(make_directory(*at));
    TRIUNE_TRY(sync_directory(directory_of(*at)));
  }
  return {};
}

Status rename_durably(const std::filesystem::path& from, const std::filesystem::path& to) {
  TRIUNE_TRY(rename_file(from, to));
  if (directory_of(from) != directory_of(to)) TRIUNE_TRY(sync_directory(directory_of(from)));
  return sync_directory(directory_of(to));
}

Status publish_durably(const std::filesystem::path& temporary, const std::filesystem::path& path) {
  {
    const Descriptor file(::open(temporary.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0) return system_failure("open", temporary, errno);
    TRIUNE_TRY(sync_descriptor(file.get(), temporary));
  }
  return rename_durably(temporary, path);
}

Status write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  TRIUNE_TRY(create_directories_durably(path.parent_path()));
  // Not named by the process: after a restart of a container its number is the same, and so would be the name.
  auto temporary = path;
  temporary += fmt::format(".{}{}", new_id(), temporary_suffix);
  TRIUNE_ASSIGN(auto file, NewFile::create(std::move(temporary)));
  TRIUNE_TRY(file.write(bytes));
  TRIUNE_TRY(file.sync());
  TRIUNE_TRY(file.rename_to(path));
  return sync_directory(directory_of(path));
}

Status remove_temporaries(const std::filesystem::path& directory) {
  std::error_code code;
  std::vector<std::filesystem::path> stale;
  for (std::filesystem::directory_iterator at(directory, code), end; !code && at != end; at.increment(code))
    if (at->path().extension() == temporary_suffix && at->is_regular_file(code)) stale.push_back(at->path());
  if (code && code != std::errc::no_such_file_or_directory) return system_failure("list", directory, code.value());
  for (const auto& path : stale) TRIUNE_TRY(base::remove_all(path));
  return {};
}

Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t limit_bytes) {
  if (const int code = injected(FileOperation::read, path); code != 0) return system_failure("read", path, code);
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat information{};
  if (file.get() < 0 || ::fstat(file.get(), &information) != 0) return system_failure("read", path, errno);
  const auto size = static_cast<std::uint64_t>(information.st_size);
  if (size > limit_bytes)
    return failure(ErrorCode::resource_exhausted,
                   fmt::format("{} has {} bytes, more than the limit of {}", path.string(), size, limit_bytes));
  return read_descriptor(file.get(), size, path);
}

Status remove_all(const std::filesystem::path& path) {
  if (const int code = injected(FileOperation::remove, path); code != 0) return system_failure("remove", path, code);
  std::error_code code;
  std::filesystem::remove_all(path, code);
  if (code) return system_failure("remove", path, code.value());
  return {};
}

NewFile::NewFile(std::filesystem::path temporary, int descriptor)
    : temporary_(std::move(temporary)), descriptor_(descriptor) {}

NewFile::NewFile(NewFile&& other) noexcept
    : temporary_(std::exchange(other.temporary_, {})), descriptor_(std::exchange(other.descriptor_, -1)) {}

NewFile& NewFile::operator=(NewFile&& other) noexcept {
  if (this == &other) return *this;
  discard();
  temporary_ = std::exchange(other.temporary_, {});
  descriptor_ = std::exchange(other.descriptor_, -1);
  return *this;
}

NewFile::~NewFile() {
  discard();
}

void NewFile::discard() noexcept {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<NewFile> NewFile::create(std::filesystem::path temporary) {
  if (const int code = injected(FileOperation::open, temporary); code != 0)
    return system_failure("create", temporary, code);
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) return system_failure("create", temporary, errno);
  return NewFile(std::move(temporary), descriptor);
}

Status NewFile::write(std::span<const std::byte> bytes) {
  if (const int code = injected(FileOperation::write, temporary_); code != 0)
    return system_failure("write", temporary_, code);
  while (!bytes.empty()) {
    const auto written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_failure("write", temporary_, errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

void NewFile::start_writeback() noexcept {
  static_cast<void>(::sync_file_range(descriptor_, 0, 0, SYNC_FILE_RANGE_WRITE));
}

Status NewFile::sync() {
  return sync_descriptor(descriptor_, temporary_);
}

Status NewFile::rename_to(const std::filesystem::path& path) {
  TRIUNE_TRY(rename_file(temporary_, path));
  temporary_.clear();
  return {};
}

std::span<const std::byte> as_bytes(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

std::string_view as_text(std::span<const std::byte> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace triune::base
