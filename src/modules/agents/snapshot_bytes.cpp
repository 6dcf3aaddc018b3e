#include "modules/agents/snapshot_bytes.h"

#include <fmt/format.h>
#include <zstd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"
#include "modules/agents/canonical_json.h"
#include "modules/agents/store.h"

namespace triune::modules::agents {
namespace {

constexpr int compression_level = 3;

}  // namespace

Result<SnapshotBytes> encode_snapshot(std::string_view json) {
  if (json.size() > most_content_bytes)
    return failure(ErrorCode::resource_exhausted,
                   fmt::format("a snapshot has at most {} bytes, this one has {}", most_content_bytes, json.size()));
  TRIUNE_ASSIGN(const auto canonical, canonical_json(json));
  const auto bytes = std::as_bytes(std::span(canonical));
  SnapshotBytes encoded{.hash = base::sha256_hex(bytes),
                        .encoding = "plain",
                        .original_bytes = static_cast<std::int64_t>(canonical.size())};
  encoded.stored.resize(ZSTD_compressBound(canonical.size()));
  const auto size = ZSTD_compress(encoded.stored.data(), encoded.stored.size(), canonical.data(), canonical.size(),
                                  compression_level);
  if (ZSTD_isError(size) == 0 && size < canonical.size()) {
    encoded.encoding = "zstd";
    encoded.stored.resize(size);
  } else {
    encoded.stored.assign(bytes.begin(), bytes.end());
  }
  return encoded;
}

Result<std::string> decode_snapshot(const Bytes& stored, std::string_view encoding, std::int64_t original_bytes,
                                    std::string_view hash) {
  std::string json;
  if (encoding == "zstd") {
    json.resize(static_cast<std::size_t>(original_bytes));
    const auto size = ZSTD_decompress(json.data(), json.size(), stored.data(), stored.size());
    if (ZSTD_isError(size) != 0 || size != json.size())
      return failure(ErrorCode::corruption, "the bytes do not decompress to the snapshot");
  } else {
    json = base::as_text(stored);
  }
  if (base::sha256_hex(std::as_bytes(std::span(json))) != hash)
    return failure(ErrorCode::corruption, "the bytes are not those of the snapshot: their SHA-256 differs");
  return json;
}

}  // namespace triune::modules::agents
