#include "runtime/blob_hash.h"

#include <fmt/format.h>

namespace triune::runtime {
namespace {

constexpr std::size_t hash_length = 64;

}  // namespace

bool is_blob_hash(std::string_view text) noexcept {
  return text.size() == hash_length && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Status require_blob_hash(std::string_view text) {
  if (is_blob_hash(text)) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("'{}' is not a blob's hash, which has 64 lower-case hexadecimal digits", text));
}

std::unexpected<Error> no_such_blob(std::string_view hash) {
  return failure(ErrorCode::not_found, fmt::format("there is no blob {}", hash));
}

std::unexpected<Error> swept_since_put(std::string_view hash) {
  auto error = failure(ErrorCode::unavailable,
                       fmt::format("blob {} was swept before the commit that refers to it; commit again, and sweep "
                                   "with a grace that is longer than commits last",
                                   hash));
  error.error().retry = Retry::safe;
  return error;
}

Status require_blob_size(std::uint64_t size, std::uint64_t limit) {
  if (size <= limit) return {};
  return failure(ErrorCode::resource_exhausted,
                 fmt::format("a blob of {} bytes is over the limit of {}; split it", size, limit));
}

}  // namespace triune::runtime
