#include "intake/tables/input_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

#include "base/try.h"

namespace triune::intake {
namespace {

std::unexpected<Error> file_failure(const std::string& name) {
  const int code = errno;
  return std::unexpected<Error>(Error{.code = code == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable,
                                      .message = fmt::format("{}: {}", name, std::generic_category().message(code)),
                                      .engine = "file",
                                      .native_code = std::to_string(code)});
}

Status write_all(int descriptor, const char* bytes, std::size_t size, const std::string& name) {
  while (size > 0) {
    const auto written = ::write(descriptor, bytes, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return file_failure(name);
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return {};
}

// Closes both when it fails; the copy has no name, so it goes with its descriptor.
Result<int> spool(int source, const std::string& name) {
  std::string pattern = (std::filesystem::temp_directory_path() / "triune-load-XXXXXX").string();
  const int copy = ::mkostemp(pattern.data(), O_CLOEXEC);
  if (copy < 0) return file_failure(pattern);
  ::unlink(pattern.c_str());
  std::vector<char> buffer(1U << 20U);
  for (;;) {
    const auto got = ::read(source, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    auto done =
        got < 0 ? Status(file_failure(name)) : write_all(copy, buffer.data(), static_cast<std::size_t>(got), pattern);
    if (!done.has_value()) {
      ::close(copy);
      return failure_of(done);
    }
    if (got == 0) return copy;
  }
}

}  // namespace

Result<InputFile> InputFile::open(const std::filesystem::path& path) {
  const std::string name = path == "-" ? "standard input" : path.string();
  const int given = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (given < 0) return file_failure(name);
  InputFile file(given, name);
  struct stat status{};
  if (::fstat(given, &status) != 0) return file_failure(name);
  if (S_ISDIR(status.st_mode)) return failure(ErrorCode::invalid_argument, fmt::format("{} is a folder", name));
  if (!S_ISREG(status.st_mode) || path == "-") {
    TRIUNE_ASSIGN(const int copy, spool(given, name));
    ::close(given);
    file.descriptor_ = copy;
    if (::fstat(copy, &status) != 0) return file_failure(name);
  }
  file.size_ = static_cast<std::uint64_t>(status.st_size);
  file.path_ = fmt::format("/proc/self/fd/{}", file.descriptor_);
  return file;
}

InputFile::InputFile(int descriptor, std::string name) : descriptor_(descriptor), name_(std::move(name)) {}

InputFile::InputFile(InputFile&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)),
      path_(std::move(other.path_)),
      name_(std::move(other.name_)),
      size_(other.size_) {}

InputFile::~InputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace triune::intake
