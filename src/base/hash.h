// Hashes: SHA-256 where bytes are addressed by content, XXH3 where a digest is compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace triune::base {

/// SHA-256 as 64 hexadecimal digits.
std::string sha256_hex(std::span<const std::byte> bytes);

/// XXH3, 64 bit. Not for content addresses.
std::uint64_t hash64(std::span<const std::byte> bytes, std::uint64_t seed = 0) noexcept;
std::uint64_t hash64(std::string_view text, std::uint64_t seed = 0) noexcept;

/// XXH3, 128 bit: for digests of more things than 64 bit tell apart.
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  bool operator==(const Hash128&) const = default;
};
Hash128 hash128(std::span<const std::byte> bytes) noexcept;

}  // namespace triune::base
