// Blobs in the tables of a PostgreSQL database, for hives whose nodes share no directory.
//
// B1 to B4 of blob_files.h hold here too: a put is a durable transaction of its own (I8). A blob is its row in
// triune_blobs and pieces of 256 KiB, each stored as a file's content is (`blob_format.h`), so that reading and writing
// never handle more than a few megabytes at once.
//
// Put against sweep, by locks on the row of the blob in triune_blobs:
//   put     its time is refreshed, or the row inserted; committed
//   commit  `hold` locks it FOR KEY SHARE and fails when it is gone; the reference is inserted; committed
//   sweep   `remove` locks it FOR UPDATE, which waits for commits that hold it, then looks at its time and for
//           references in a new snapshot, and deletes
// Whichever of commit and sweep locks first, the other sees what it did.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contract/blob_store.h"

namespace triune::runtime {

class BlobRows final : public contract::BlobStore {
 public:
  /// `store` speaks PostgreSQL and outlives it. Blobs are told apart by organization.
  BlobRows(contract::RelationalStore& store, std::int64_t organization_id)
      : store_(store), organization_id_(organization_id) {}

  /// Takes a writing connection: not to be called by who holds the last one.
  Result<std::vector<std::string>> put_many(std::span<const std::span<const std::byte>> contents) override;
  Result<Bytes> get(std::string_view hash) const override;
  Status check(std::string_view hash) const override;
  Status hold(contract::RelationalSession& session, std::span<const std::string> hashes) override;
  Result<bool> remove(contract::RelationalSession& session, std::string_view hash,
                      Clock::time_point unless_put_since) override;
  Status visit(const Visitor& visitor) const override;
  /// There are none: a transaction that did not end left nothing.
  Result<std::uint64_t> sweep_temporaries(std::chrono::seconds age) override;

 private:
  struct Content {
    std::string_view hash;
    std::span<const std::byte> bytes;
  };

  Status put_group(std::span<const Content> group);
  /// In a write job: inserts the rows of blobs, or refreshes their time (B3).
  Status touch(contract::RelationalSession& session, std::span<const Content> group);
  Status write_missing(contract::RelationalSession& session, std::span<const Content> group);
  Status write_pieces(contract::RelationalSession& session, const Content& content);
  /// Pieces from `first` on, appended to `bytes`; how many there were.
  Result<std::size_t> read_pieces(contract::RelationalSession& session, std::string_view hash, std::int64_t first,
                                  Bytes& bytes) const;
  Result<std::vector<contract::StoredBlob>> page_behind(std::string_view hash) const;

  contract::RelationalStore& store_;
  const std::int64_t organization_id_;
};

}  // namespace triune::runtime
