#include "adapters/kuzu/store_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include "adapters/kuzu/kuzu_error.h"
#include "base/file.h"
#include "base/try.h"

namespace triune::adapters::kuzu {
namespace {

constexpr std::string_view magic = "KUZU";
constexpr std::uint64_t page_bytes = 4096;
constexpr std::uint64_t storage_version = 39;  // of Kuzu 0.11

std::uint64_t size_of(const std::filesystem::path& file) {
  std::error_code code;
  const auto size = std::filesystem::file_size(file, code);
  return code ? 0 : size;
}

Status damaged(const std::filesystem::path& file, std::string_view what) {
  return kuzu_failure(ErrorCode::corruption,
                      fmt::format("{} {}; remove the directory and rebuild the graph", file.string(), what));
}

// The lock is of the open file, not of the process, so it also keeps a second store of this process away.
Result<int> lock_directory(const std::filesystem::path& directory) {
  const auto file = directory / "graph.lock";
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0)
    return kuzu_failure(ErrorCode::unavailable, fmt::format("cannot open {}: {}", file.string(), std::strerror(errno)));
  if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) return descriptor;
  ::close(descriptor);
  return kuzu_failure(ErrorCode::unavailable,
                      fmt::format("the graph in {} is open in another store; close it there first", directory.string()),
                      Retry::safe);
}

// A database that Kuzu began to create and did not finish is as good as none: it has no header yet.
Status check_files(const StoreFiles& files) {
  const auto size = size_of(files.database());
  const bool has_log = size_of(files.log()) > 0;
  if (size == 0) {
    if (has_log) return damaged(files.database(), "is missing while its log is there");
    return {};
  }
  std::array<char, 12> head{};
  std::ifstream stream(files.database(), std::ios::binary);
  stream.read(head.data(), head.size());
  if (!stream || std::string_view(head.data(), magic.size()) != magic)
    return damaged(files.database(), "is no Kuzu file");
  std::uint64_t version = 0;
  std::memcpy(&version, head.data() + magic.size(), sizeof version);
  if (version != storage_version)
    return damaged(files.database(), fmt::format("has storage version {} instead of {}", version, storage_version));
  if (size < page_bytes) return damaged(files.database(), "is cut off");
  return {};
}

}  // namespace

Result<StoreFiles> StoreFiles::open(const std::filesystem::path& directory) {
  TRIUNE_TRY(base::create_directories_durably(directory));
  TRIUNE_ASSIGN(const int lock, lock_directory(directory));
  StoreFiles files(directory, lock);
  TRIUNE_TRY(base::remove_all(files.load_folder()));
  TRIUNE_TRY(check_files(files));
  return files;
}

StoreFiles::StoreFiles(StoreFiles&& other) noexcept
    : directory_(std::move(other.directory_)), lock_(std::exchange(other.lock_, -1)) {}

StoreFiles::~StoreFiles() {
  if (lock_ >= 0) ::close(lock_);
}

std::uint64_t StoreFiles::log_bytes() const {
  return size_of(log());
}

std::uint64_t StoreFiles::bytes() const {
  return size_of(database()) + log_bytes();
}

}  // namespace triune::adapters::kuzu
