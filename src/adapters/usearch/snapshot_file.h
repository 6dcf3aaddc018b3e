// The file a collection is saved in: sections of bytes, and a footer with their sizes and one checksum over everything.
//
//   "TRIUNEVS" version(4) 0(4) │ section 0 │ … │ section n-1 │ sizes(8 each) n(8) checksum(8) "TRIUNEVE"
//
// Numbers are little-endian. The checksum is XXH3 over all bytes before it, in blocks of 1 MiB, each seeded with the
// hash of the block before. The footer stands last so that writing needs one pass and no seeking.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <span>
#include <type_traits>
#include <vector>

#include "base/file.h"
#include "triune/status.h"

namespace triune::adapters::usearch {

/// Writes a snapshot to a temporary file. Thread rule: one thread.
class SnapshotWriter {
 public:
  static constexpr std::size_t header_bytes = 16;  ///< Before the first section.

  /// Creates the temporary file beside `path`, which `publish` replaces.
  static Result<SnapshotWriter> create(const std::filesystem::path& path);

  Status write(std::span<const std::byte> bytes);
  template <class Number>
    requires std::is_trivially_copyable_v<Number>
  Status write_all(const std::vector<Number>& numbers) {
    return write(std::as_bytes(std::span(numbers)));
  }
  Status end_section();
  /// Adds the footer and makes the file durable under its name (I8).
  Status publish();

 private:
  SnapshotWriter(base::NewFile file, std::filesystem::path path);
  Status flush();

  base::NewFile file_;
  std::filesystem::path path_;
  std::vector<std::byte> buffer_;
  std::vector<std::uint64_t> sizes_;
  std::uint64_t section_ = 0;   ///< Bytes of the section being written.
  std::uint64_t checksum_ = 0;  ///< Of what was flushed.
};

/// Reads a snapshot after its checksum was found right. Thread rule: one thread.
class SnapshotReader {
 public:
  /// Verifies the whole file. Errors: `not_found`, `corruption` (naming the file), `unavailable`.
  static Result<SnapshotReader> open(const std::filesystem::path& path);

  [[nodiscard]] std::size_t sections() const { return sizes_.size(); }
  [[nodiscard]] std::uint64_t section_size(std::size_t section) const { return sizes_[section]; }
  /// Where a section begins in the file, for whoever maps it.
  [[nodiscard]] std::uint64_t section_offset(std::size_t section) const;
  /// Goes to the start of a section.
  Status seek(std::size_t section);
  /// Reads exactly so many bytes, never beyond the section: `corruption` otherwise.
  Status read(std::span<std::byte> bytes);
  template <class Number>
    requires std::is_trivially_copyable_v<Number>
  Status read_all(std::size_t section, std::vector<Number>& numbers) {
    numbers.resize(sizes_[section] / sizeof(Number));
    if (auto status = seek(section); !status) return status;
    return read(std::as_writable_bytes(std::span(numbers)));
  }
  /// The error for a file whose checksum is right and whose contents make no sense.
  [[nodiscard]] std::unexpected<Error> damaged(std::string_view why) const;

 private:
  explicit SnapshotReader(std::filesystem::path path) : path_(std::move(path)) {}
  Status read_footer(std::uint64_t size);
  Status verify(std::uint64_t covered);

  std::filesystem::path path_;
  std::ifstream file_;
  std::vector<std::uint64_t> sizes_;
  std::uint64_t checksum_ = 0;  ///< As the footer says.
  std::uint64_t left_ = 0;      ///< Of the section being read.
};

}  // namespace triune::adapters::usearch
