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
// frame. Thread rule: any method from any thread.
//
// A private directory is used by one process at a time (I9). A shared one, on a network file system that has byte-range
// locks or on one machine, by any number: B3 then holds among them through locks in the file "lock", and since a commit
// of another process cannot be seen before it is durable, nothing put within `shared_grace` is removed.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/blob_store.h"

namespace triune::runtime {

class BlobFiles final : public contract::BlobStore {
 public:
  enum class Use : std::uint8_t { by_this_process, shared };
  /// What was put within this time is not removed from a shared directory: far longer than commits last.
  static constexpr std::chrono::hours shared_grace{1};

  /// Opens `directory`, creating it durably when absent.
  static Result<std::unique_ptr<BlobFiles>> open(std::filesystem::path directory, Use use = Use::by_this_process);
  ~BlobFiles() override;

  /// One content.
  Result<std::string> put(std::span<const std::byte> bytes);
  Result<std::vector<std::string>> put_many(std::span<const std::span<const std::byte>> contents) override;
  Result<Bytes> get(std::string_view hash) const override;
  Status check(std::string_view hash) const override;
  Status hold(contract::RelationalSession& session, std::span<const std::string> hashes) override;
  Result<bool> remove(contract::RelationalSession& session, std::string_view hash,
                      Clock::time_point unless_put_since) override;
  /// The same without a job; the caller knows that nothing refers to it.
  Result<bool> remove(std::string_view hash, Clock::time_point unless_put_since = Clock::time_point::max());
  Status visit(const Visitor& visitor) const override;
  Result<std::uint64_t> sweep_temporaries(std::chrono::seconds age) override;

 private:
  struct Pending;
  class Guard;

  BlobFiles(std::filesystem::path directory, Use use);
  Status open_lock();
  [[nodiscard]] std::filesystem::path path_of(std::string_view hash) const;
  Result<bool> refresh(const std::string& hash, std::span<const std::byte> bytes);
  Result<Pending> write_temporary(std::string hash, std::span<const std::byte> bytes);
  Status publish(std::vector<Pending>& pending);
  Status sync_directories(const std::vector<std::string>& hashes);
  /// Keeps others from the blobs whose hash begins alike.
  Result<Guard> guard(std::string_view hash) const;

  const std::filesystem::path directory_;
  const Use use_;
  int lock_file_ = -1;  ///< Of a shared directory.
  /// Makes "is it there" and "refresh its time", "is it old" and "remove it" one step each for equal hashes (B3).
  mutable std::array<std::mutex, 64> guards_;
  /// Directories aa that this process has made durable in `directory_`.
  std::array<std::atomic<bool>, 256> durable_{};
};

}  // namespace triune::runtime
