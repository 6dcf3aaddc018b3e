#include "adapters/usearch/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <new>
#include <utility>

#include "adapters/usearch/huge_pages.h"
#include "base/try.h"

namespace triune::adapters::usearch {
namespace {

std::unexpected<Error> cannot(const char* what, const std::filesystem::path& path) {
  const int code = errno;
  return failure(code == ENOENT ? ErrorCode::not_found : ErrorCode::unavailable,
                 fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(code)));
}

}  // namespace

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return cannot("open", path);
  MappedFile file(path, descriptor);
  struct stat about{};
  if (::fstat(descriptor, &about) != 0) return cannot("look at", path);
  file.size_ = static_cast<std::uint64_t>(about.st_size);
  return file;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      data_(std::exchange(other.data_, nullptr)),
      held_(std::move(other.held_)) {}

MappedFile::~MappedFile() {
  if (data_ != nullptr && !is_held()) ::munmap(const_cast<std::byte*>(data_), size_);
  if (descriptor_ >= 0) ::close(descriptor_);
}

Status MappedFile::map() {
  void* place = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, descriptor_, 0);
  if (place == MAP_FAILED) return cannot("map", path_);
  data_ = static_cast<const std::byte*>(place);
  return {};
}

Status MappedFile::hold() {
  try {
    held_ = allocate_slab(size_);
  } catch (const std::bad_alloc&) {
    return failure(ErrorCode::resource_exhausted,
                   fmt::format("there is no memory for the {} bytes of {}", size_, path_.string()));
  }
  data_ = held_.get();
  return read(0, {held_.get(), size_});
}

void MappedFile::release() const noexcept {
  if (!is_held()) ::madvise(const_cast<std::byte*>(data_), size_, MADV_DONTNEED);
}

Status MappedFile::read(std::uint64_t offset, std::span<std::byte> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot("read", path_);
    if (got == 0)
      return failure(ErrorCode::corruption,
                     fmt::format("{} ends at byte {}, where vectors should be; drop the collection "
                                 "and fill it again from the canonical store",
                                 path_.string(), offset));
    offset += static_cast<std::uint64_t>(got);
    bytes = bytes.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace triune::adapters::usearch
