// The contract of what keeps blobs: bytes named by their SHA-256, apart from the rows that refer to them.
//
// A commit that refers to blobs makes them durable first with `put_many`, in no transaction of its own (I8), and then,
// inside its write job and before the references, calls `hold`: from there to the job's end no sweep takes them.
// `remove` is for sweeps, and runs inside a write job too.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::contract {

/// One stored blob as `visit` shows it.
struct StoredBlob {
  std::string hash;
  std::uint64_t stored_bytes = 0;                  ///< What it takes in the store, compressed or not.
  std::chrono::system_clock::time_point last_put;  ///< When it was written or put again, by this machine's clock.
};

/// Blobs of one organization. Thread rule: any method from any thread.
class BlobStore {
 public:
  using Clock = std::chrono::system_clock;
  using Visitor = std::function<Status(const StoredBlob&)>;

  static constexpr std::uint64_t limit_bytes = 1ULL << 30U;  ///< Of one blob.

  virtual ~BlobStore() = default;

  /// Stores contents and returns their hashes, 64 lower-case hexadecimal digits each, in the order given. Blocks until
  /// they are durable. What is there already gets a new time, and is mended when it was damaged. Errors:
  /// `resource_exhausted` (over the limit, disk full), `unavailable` (I/O); some may then be stored, unnamed.
  virtual Result<std::vector<std::string>> put_many(std::span<const std::span<const std::byte>> contents) = 0;
  /// The bytes. Errors: `invalid_argument` (not a hash), `not_found`, `corruption` (they are not what was put).
  virtual Result<Bytes> get(std::string_view hash) const = 0;
  /// Whether `get` would succeed; the same errors.
  virtual Status check(std::string_view hash) const = 0;
  /// In a write job that is about to refer to them: keeps them from being removed until the job ends. Error:
  /// `unavailable`, safe to retry, when a sweep took one since it was put; it must be put again.
  virtual Status hold(RelationalSession& session, std::span<const std::string> hashes) = 0;
  /// In a write job: removes a blob that was last put before `unless_put_since` and that no reference names; true when
  /// it is gone now, also when it never was.
  virtual Result<bool> remove(RelationalSession& session, std::string_view hash,
                              Clock::time_point unless_put_since) = 0;
  /// Every blob, in no order, a bounded number in memory. An error from the visitor ends it. Blobs put or removed
  /// meanwhile may be seen or not.
  virtual Status visit(const Visitor& visitor) const = 0;
  /// Removes what killed writers left `age` ago or longer; returns how many pieces of it.
  virtual Result<std::uint64_t> sweep_temporaries(std::chrono::seconds age) = 0;
};

}  // namespace triune::contract
