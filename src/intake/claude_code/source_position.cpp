#include "intake/claude_code/source_position.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "intake/claude_code/text.h"

namespace triune::intake::claude {
namespace {

constexpr std::uint64_t hashed_bytes = 4096;

class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  [[nodiscard]] int get() const { return descriptor_; }

 private:
  int descriptor_;
};

std::unexpected<Error> file_failure(const std::filesystem::path& path) {
  return std::unexpected<Error>(
      Error{.code = ErrorCode::unavailable,
            .message = fmt::format("{}: {}", path.string(), std::generic_category().message(errno)),
            .engine = "file",
            .native_code = std::to_string(errno)});
}

// Of fewer bytes when the file ends before them: it is another file then.
Result<std::string> hash_of(const OpenFile& file, const std::filesystem::path& path, std::uint64_t offset,
                            std::uint64_t size) {
  std::string bytes(size, '\0');
  std::size_t held = 0;
  while (held < size) {
    const auto got = ::pread(file.get(), bytes.data() + held, size - held, static_cast<off_t>(offset + held));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return file_failure(path);
    if (got == 0) break;
    held += static_cast<std::size_t>(got);
  }
  bytes.resize(held);
  return fingerprint(bytes);
}

Result<std::pair<std::string, std::string>> hashes_of(const std::filesystem::path& path, std::uint64_t bytes) {
  const OpenFile file(path);
  if (file.get() < 0) return file_failure(path);
  const std::uint64_t size = std::min(bytes, hashed_bytes);
  TRIUNE_ASSIGN(auto head, hash_of(file, path, 0, size));
  TRIUNE_ASSIGN(auto tail, hash_of(file, path, bytes - size, size));
  return std::pair(std::move(head), std::move(tail));
}

}  // namespace

Result<SourcePosition> resume_position(const std::filesystem::path& path, const Row& source) {
  const auto bytes = static_cast<std::uint64_t>(source.integer("bytes_done"));
  if (!source.is_stored()) return SourcePosition{};
  TRIUNE_ASSIGN(const auto hashes, hashes_of(path, bytes));
  if (hashes.first != source.text("head_hash") || hashes.second != source.text("tail_hash"))
    return SourcePosition{.bytes = 0, .lines = 0, .restarted = true};
  return SourcePosition{.bytes = bytes, .lines = static_cast<std::uint64_t>(source.integer("lines_done"))};
}

Status remember_position(const std::filesystem::path& path, const SourcePosition& position, Row& source) {
  TRIUNE_ASSIGN(const auto hashes, hashes_of(path, position.bytes));
  source.set("bytes_done", static_cast<std::int64_t>(position.bytes));
  source.set("lines_done", static_cast<std::int64_t>(position.lines));
  source.set_text("head_hash", hashes.first);
  source.set_text("tail_hash", hashes.second);
  return {};
}

}  // namespace triune::intake::claude
