// A file that is read in place or by pieces, and stays readable after it was removed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>

#include "triune/status.h"

namespace triune::adapters::usearch {

/// Thread rule: immutable after `open`. Nobody may shorten the file meanwhile.
class MappedFile {
 public:
  /// Errors: `not_found`, `unavailable`.
  static Result<MappedFile> open(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept;
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  MappedFile& operator=(MappedFile&&) = delete;
  ~MappedFile();

  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// Maps the whole file. What is touched counts as this process's memory, and the system takes it back when short.
  Status map();
  /// Instead of mapping, copies the file into memory of this process, in pages of 2 MB where the system gives them.
  /// Error: `resource_exhausted`.
  Status hold();
  [[nodiscard]] bool is_held() const { return held_ != nullptr; }
  /// Unless held: what was touched of the mapping counts no more until it is touched again; the system keeps it for
  /// that.
  void release() const noexcept;
  /// Everything, once mapped or held.
  [[nodiscard]] std::span<const std::byte> bytes() const { return {data_, data_ == nullptr ? 0 : size_}; }
  /// Reads without mapping: leaves nothing in this process's memory. Error: `corruption` when the file ends before.
  Status read(std::uint64_t offset, std::span<std::byte> bytes) const;

 private:
  MappedFile(std::filesystem::path path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
  const std::byte* data_ = nullptr;
  std::shared_ptr<std::byte[]> held_;
};

}  // namespace triune::adapters::usearch
