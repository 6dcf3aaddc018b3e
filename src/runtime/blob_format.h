// What a blob's file holds: a header of 24 bytes and the content, raw or as one zstd frame when that is smaller.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::runtime {

/// A content ready to be written: first `header`, then `body()`. Refers to the content when it is stored raw.
struct EncodedBlob {
  std::array<std::byte, 24> header{};
  Bytes compressed;
  std::span<const std::byte> raw;

  [[nodiscard]] std::span<const std::byte> body() const { return compressed.empty() ? raw : compressed; }
};

EncodedBlob encode_blob(std::span<const std::byte> content);

/// The content of a file. Error: `corruption` (not a blob's file, cut off, or larger than `limit_bytes` says it may
/// be).
Result<Bytes> decode_blob(Bytes file, std::uint64_t limit_bytes);

}  // namespace triune::runtime
