// Files that survive a power cut, and the place where tests make them fail.
//
// Every write of Triune outside SQLite and Kuzu goes through here, so that one fault injector reaches all of them.
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
enum class FileOperation : std::uint8_t { open, read, write, sync, rename, sync_directory, remove };

/// Decides whether an operation fails: returns 0 to let it happen, or an errno. For tests; called from any thread.
using FileFault = std::function<int(FileOperation, const std::filesystem::path&)>;

/// Installs `fault` for the whole process; an empty function removes it.
void set_file_fault(FileFault fault);

/// Writes `bytes` to `path` so that after a crash either the old content or the new one is there, whole: temporary file
/// beside it, fsync, rename, fsync of the directory (I8). Creates missing directories, durably. Errors: `unavailable`
/// with the errno, `resource_exhausted` when the disk is full; the old content is then untouched.
Status write_durably(const std::filesystem::path& path, std::span<const std::byte> bytes);

/// Makes a file that another writer left at `temporary` durable and renames it to `path`, durably.
Status publish_durably(const std::filesystem::path& temporary, const std::filesystem::path& path);

/// Reads a whole file of at most `limit_bytes`. Errors: `not_found`, `resource_exhausted`, `unavailable`.
Result<Bytes> read_file(const std::filesystem::path& path, std::uint64_t limit_bytes = 4ULL << 30U);

/// Creates a directory and its parents, each durable in its parent.
Status create_directories_durably(const std::filesystem::path& path);

/// fsync of a directory.
Status sync_directory(const std::filesystem::path& path);

/// Removes a file or a tree; what is absent is no error.
Status remove_all(const std::filesystem::path& path);

/// Renames durably within one file system.
Status rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

/// The bytes of `text`, and back.
std::span<const std::byte> as_bytes(std::string_view text) noexcept;
std::string_view as_text(std::span<const std::byte> bytes) noexcept;

}  // namespace triune::base
