// Blobs: bytes kept outside the database in files named by their SHA-256.
//
// Invariants
//   B1  A hash that `put` or `put_many` returned names bytes that survive a power cut: temporary file, fsync, rename,
//       fsync of the directory and of directories made for it (I8).
//   B2  What `get` returns hashes to the name it was asked by, or it is `corruption`.
//   B3  A put of bytes that are there already refreshes their time, so that `remove` with an age, which a sweep uses,
//       never takes what a commit on its way refers to.
//   B4  Damaged bytes are mended by the next put of the same content.
//
//   put:  tmp/N ──write, fsync──▶ tmp/N durable ──rename──▶ aa/HASH ──fsync aa──▶ hash returned
//                     │ "blob.written"                       │ "blob.renamed"
//   A crash before the rename leaves tmp/N, which `sweep_temporaries` removes; one after it leaves a blob that nothing
//   refers to, which the hive's sweep removes.
//
// aa are the first two digits of the hash. A second level would cost one more fsync, of a directory that was just made,
// for each of the first 65,536 blobs, and 256 directories hold tens of millions of files well.
//
// A file is a header of 24 bytes (magic, version, kind, original and stored size) and the bytes, raw or as a zstd
// frame. Thread rule: any method from any thread. One process uses a directory at a time (I9).
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::runtime {

/// One stored blob as `visit` shows it.
struct StoredBlob {
  std::string hash;
  std::uint64_t stored_bytes = 0;                  ///< Size of the file.
  std::chrono::system_clock::time_point last_put;  ///< When it was written or put again.
};

class BlobFiles {
 public:
  using Clock = std::chrono::system_clock;
  using Visitor = std::function<Status(const StoredBlob&)>;

  static constexpr std::uint64_t limit_bytes = 1ULL << 30U;  ///< Of one blob.

  /// Opens `directory`, creating it durably when absent.
  static Result<std::unique_ptr<BlobFiles>> open(std::filesystem::path directory);

  /// Stores bytes and returns their hash, 64 lower-case hexadecimal digits. Blocks until they are durable. Errors:
  /// `resource_exhausted` (over the limit, disk full), `unavailable` (I/O); no hash is then usable.
  Result<std::string> put(std::span<const std::byte> bytes);
  /// Stores many at once, each directory synced once. Hashes in the order given. On error some may be stored, unnamed.
  Result<std::vector<std::string>> put_many(std::span<const std::span<const std::byte>> contents);

  /// The bytes. Errors: `invalid_argument` (not a hash), `not_found`, `corruption` (they are not what was put).
  Result<Bytes> get(std::string_view hash) const;
  /// Whether `get` would succeed; the same errors.
  Status check(std::string_view hash) const;

  /// Removes a blob that was last put before `unless_put_since`; true when it is gone now, also when it never was.
  Result<bool> remove(std::string_view hash, Clock::time_point unless_put_since = Clock::time_point::max());

  /// Every blob, in no order. An error from the visitor ends it. Blobs put or removed meanwhile may be seen or not.
  Status visit(const Visitor& visitor) const;

  /// Removes temporary files last written `age` ago or longer, which killed writers left; returns how many.
  Result<std::uint64_t> sweep_temporaries(std::chrono::seconds age);

 private:
  struct Pending;

  explicit BlobFiles(std::filesystem::path directory);
  [[nodiscard]] std::filesystem::path path_of(std::string_view hash) const;
  Result<bool> refresh(const std::string& hash, std::span<const std::byte> bytes);
  Result<Pending> write_temporary(std::string hash, std::span<const std::byte> bytes);
  Status publish(std::vector<Pending>& pending);
  Status sync_directories(const std::vector<std::string>& hashes);
  std::mutex& guard_of(std::string_view hash) const;

  const std::filesystem::path directory_;
  std::atomic<std::uint64_t> temporaries_{0};
  /// Makes "is it there" and "refresh its time", "is it old" and "remove it" one step each for equal hashes (B3).
  mutable std::array<std::mutex, 64> guards_;
  /// Directories aa that this process has made durable in `directory_`.
  std::array<std::atomic<bool>, 256> durable_{};
};

}  // namespace triune::runtime
