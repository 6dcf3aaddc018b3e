#include "hive/directory_lock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace triune::hive {
namespace {

std::string read_owner(int descriptor) {
  std::array<char, 32> text{};
  const auto count = ::pread(descriptor, text.data(), text.size() - 1, 0);
  return count > 0 ? std::string(text.data(), static_cast<std::size_t>(count)) : std::string("unknown");
}

}  // namespace

Result<std::unique_ptr<DirectoryLock>> DirectoryLock::acquire(const std::filesystem::path& directory) {
  const auto path = directory / "hive.lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return failure(ErrorCode::unavailable, fmt::format("cannot open {}: {}", path.string(), std::strerror(errno)));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    Error error{.code = ErrorCode::unavailable,
                .message = fmt::format("the hive {} is open in process {}; close it there, or use that process",
                                       directory.string(), read_owner(descriptor)),
                .engine = {},
                .native_code = {}};
    error.retry = Retry::safe;
    ::close(descriptor);
    return std::unexpected<Error>(std::move(error));
  }
  const auto owner = std::to_string(::getpid());
  if (::ftruncate(descriptor, 0) != 0 ||
      ::pwrite(descriptor, owner.data(), owner.size(), 0) != static_cast<ssize_t>(owner.size())) {
    ::close(descriptor);
    return failure(ErrorCode::unavailable, fmt::format("cannot write {}: {}", path.string(), std::strerror(errno)));
  }
  return std::unique_ptr<DirectoryLock>(new DirectoryLock(descriptor));
}

DirectoryLock::~DirectoryLock() {
  ::close(descriptor_);
}

}  // namespace triune::hive
