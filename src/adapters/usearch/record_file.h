// The exact vectors of a segment, one record after the other: read from disk when distances are measured for good.
//
//   packed vector │ its length (4) │ checksum (4)
//
// The checksum is XXH3 over what stands before it, seeded with the segment's id and the row's key: every record is
// verified when it is read, so that opening a large file costs nothing and damage is never served.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <vector>

#include "adapters/usearch/key_map.h"
#include "adapters/usearch/mapped_file.h"
#include "base/file.h"

namespace triune::adapters::usearch {

/// Writes records to a temporary file. Thread rule: one thread.
class RecordWriter {
 public:
  /// `stride` is of the packed vector.
  static Result<RecordWriter> create(const std::filesystem::path& path, std::uint64_t id, std::size_t stride);
  Status add(contract::VectorKey key, const std::byte* packed, float length);
  /// Makes the file durable under its name but for the directory, which the caller syncs (I8).
  Status publish();

 private:
  RecordWriter(base::NewFile file, std::filesystem::path path, std::uint64_t id, std::size_t stride);

  base::NewFile file_;
  std::filesystem::path path_;
  std::uint64_t id_;
  std::size_t stride_;
  std::vector<std::byte> buffer_;
};

/// Thread rule: immutable after `open`.
class RecordFile {
 public:
  using Visitor = std::function<Status(Row, const std::byte* packed, float length)>;

  /// Error: `corruption` when the size is not that of so many rows. `keys` must live as long as the object.
  static Result<RecordFile> open(const std::filesystem::path& path, std::uint64_t id, std::size_t stride,
                                 std::span<const contract::VectorKey> keys);
  /// Calls the visitor with each of the rows, which are ascending. Error: `corruption`, naming the file.
  Status visit(std::span<const Row> rows, const Visitor& visitor) const;
  [[nodiscard]] std::uint64_t size() const { return file_.size(); }

 private:
  RecordFile(MappedFile file, std::filesystem::path path, std::uint64_t id, std::size_t stride,
             std::span<const contract::VectorKey> keys);
  Status check(Row row, const std::byte* record) const;

  MappedFile file_;
  std::filesystem::path path_;
  std::uint64_t id_;
  std::size_t stride_;
  std::span<const contract::VectorKey> keys_;
};

}  // namespace triune::adapters::usearch
