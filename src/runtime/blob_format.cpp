#include "runtime/blob_format.h"

#include <zstd.h>

#include <bit>
#include <cstring>

namespace triune::runtime {
namespace {

static_assert(std::endian::native == std::endian::little, "the header is written as it lies in memory");

enum class Kind : std::uint8_t { raw = 0, zstd = 1 };

struct Header {
  std::array<char, 4> magic = {'T', 'R', 'I', 'B'};
  std::uint8_t version = 1;
  Kind kind = Kind::raw;
  std::uint16_t reserved = 0;
  std::uint64_t original_bytes = 0;
  std::uint64_t stored_bytes = 0;
};
static_assert(sizeof(Header) == sizeof(EncodedBlob::header));

constexpr int compression_level = 3;
/// Below this a frame's overhead eats what it saves.
constexpr std::size_t smallest_compressed = 128;

/// A zstd frame, or nothing when it would not save an eighth: then reading it back costs more than it is worth.
Bytes compress(std::span<const std::byte> content) {
  if (content.size() < smallest_compressed) return {};
  Bytes frame(ZSTD_compressBound(content.size()));
  const auto size = ZSTD_compress(frame.data(), frame.size(), content.data(), content.size(), compression_level);
  if (ZSTD_isError(size) != 0 || size > content.size() - content.size() / 8) return {};
  frame.resize(size);
  return frame;
}

bool is_sound(const Header& header) {
  const Header expected;
  if (header.magic != expected.magic || header.version != expected.version || header.reserved != expected.reserved)
    return false;
  return header.kind == Kind::zstd || (header.kind == Kind::raw && header.original_bytes == header.stored_bytes);
}

std::unexpected<Error> damaged() {
  return failure(ErrorCode::corruption, "not a whole blob file");
}

}  // namespace

EncodedBlob encode_blob(std::span<const std::byte> content) {
  EncodedBlob blob{.compressed = compress(content), .raw = content};
  Header header;
  header.kind = blob.compressed.empty() ? Kind::raw : Kind::zstd;
  header.original_bytes = content.size();
  header.stored_bytes = blob.body().size();
  std::memcpy(blob.header.data(), &header, sizeof header);
  return blob;
}

Result<Bytes> decode_blob(Bytes file, std::uint64_t limit_bytes) {
  if (file.size() < sizeof(Header)) return damaged();
  Header header;
  std::memcpy(&header, file.data(), sizeof header);
  if (!is_sound(header) || header.original_bytes > limit_bytes || header.stored_bytes != file.size() - sizeof(Header))
    return damaged();
  if (header.kind == Kind::raw) {
    file.erase(file.begin(), file.begin() + sizeof(Header));
    return file;
  }
  Bytes content(header.original_bytes);
  const auto size = ZSTD_decompress(content.data(), content.size(), file.data() + sizeof(Header), header.stored_bytes);
  if (ZSTD_isError(size) != 0 || size != content.size()) return damaged();
  return content;
}

}  // namespace triune::runtime
