// The bytes of a snapshot: canonical JSON, compressed where that makes it smaller.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::modules::agents {

struct SnapshotBytes {
  std::string hash;      ///< SHA-256 of the canonical JSON.
  std::string encoding;  ///< plain, zstd.
  std::int64_t original_bytes = 0;
  Bytes stored;
};

/// Errors: `invalid_argument` for what is no JSON, `resource_exhausted` for more than `most_content_bytes`.
Result<SnapshotBytes> encode_snapshot(std::string_view json);

/// The JSON again. Error: `corruption` when the bytes are not those that were encoded.
Result<std::string> decode_snapshot(const Bytes& stored, std::string_view encoding, std::int64_t original_bytes,
                                    std::string_view hash);

}  // namespace triune::modules::agents
