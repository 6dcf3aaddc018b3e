// What the stores of blobs say alike of hashes.
#pragma once

#include <cstdint>
#include <string_view>

#include "triune/status.h"

namespace triune::runtime {

/// Whether it is 64 lower-case hexadecimal digits.
bool is_blob_hash(std::string_view text) noexcept;
/// `invalid_argument` unless it is.
Status require_blob_hash(std::string_view text);

/// `not_found`.
std::unexpected<Error> no_such_blob(std::string_view hash);
/// `unavailable`, safe to retry: it was put, and is gone before its commit held it.
std::unexpected<Error> swept_since_put(std::string_view hash);
/// `resource_exhausted` for a content over `limit` bytes.
Status require_blob_size(std::uint64_t size, std::uint64_t limit);

}  // namespace triune::runtime
