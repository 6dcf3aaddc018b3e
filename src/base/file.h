// Files that survive a power cut, and the place where tests make them fail.
//
// Every write of Triune outside SQLite and Kuzu goes through here, so that one fault injector reaches all of them.
// Thread rule: all functions may be called from any thread; a NewFile belongs to one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::base {

/// The operations a fault can be injected into.
enum class FileOperation : std::uint8_t { open, read, write, sync, rename, sync_directory, remove, create_directory };

/// Decides whether an operation fails: returns 0 to let it happen, or an errno. For tests; called from any thread, one
/// call at a time, and must not touch files through this header itself.
using FileFault = std::function<int(FileOperation, const std::filesystem::path&)>;

/// Installs `fault` for the whole process; an empty function removes it.
void set_file_fault(FileFault fault);

/// Writes `bytes` to `path` so that after a crash either the old content or the new one is there, whole: temporary file
/// beside it, fsync, rename, fsync of the directory (I8). Creates missing directories, durably. Errors: `unavailable`
/// with the errno, `resource_exhausted` when the disk is full; no part of the new content is then seen under `path`,
/// except that a directory which cannot be synced may hold all of it.
Status write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// Makes a file that another writer left at `temporary` durable and renames it to `path`, durably. On error the
/// temporary file stays.
Status publish_durably(const std::filesystem::path& temporary, const std::filesystem::path& path);

/// Removes what killed writers of `write_durably` left in `directory` (not below). Only for the directory's owner (I9)
/// before it writes: a file being written looks the same.
Status remove_temporaries(const std::filesystem::path& directory);

/// Reads a whole file of at most `limit_bytes`. Errors: `not_found`, `resource_exhausted`, `unavailable`.
Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t limit_bytes = 4ULL << 30U);

/// Creates a directory and its parents, each durable in its parent. A directory that exists is taken to be durable.
Status create_directories_durably(const std::filesystem::path& path);

/// Creates one directory if it is absent, without syncing its parent: the caller does, or it is not durable.
Status make_directory(const std::filesystem::path& path);

/// fsync of a directory.
Status sync_directory(const std::filesystem::path& path);

/// Removes a file or a tree; what is absent is no error. Not durable: after a power cut it may be back.
Status remove_all(const std::filesystem::path& path);

/// Renames durably within one file system.
Status rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

/// A file that is written under a temporary name and renamed when whole: the steps of `write_durably`, for callers that
/// write many files and sync each directory once. A NewFile that was not renamed removes its file.
class NewFile {
 public:
  /// Creates `temporary`, which must not exist. Errors: `unavailable`, `not_found` (its directory).
  static Result<NewFile> create(std::filesystem::path temporary);

  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&& other) noexcept;
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile();

  /// Appends.
  Status write(std::span<const std::byte> bytes);
  /// Begins to write back what was written and does not wait, so that the syncs of many files overlap. A hint: no
  /// error.
  void start_writeback() noexcept;
  /// fsync. After an error the file must be given up: the kernel may have dropped the pages and would next say success.
  Status sync();
  /// Renames to `path`, over what is there, without syncing the directory: the caller does, or it is not durable (I8).
  Status rename_to(const std::filesystem::path& path);

 private:
  NewFile(std::filesystem::path temporary, int descriptor);
  void discard() noexcept;

  std::filesystem::path temporary_;  ///< Empty once renamed or moved from.
  int descriptor_ = -1;
};

/// The bytes of `text`, and back.
std::span<const std::byte> as_bytes(std::string_view text) noexcept;
std::string_view as_text(std::span<const std::byte> bytes) noexcept;

}  // namespace triune::base
