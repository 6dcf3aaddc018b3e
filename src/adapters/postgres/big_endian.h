// Numbers in the order of bytes that PostgreSQL sends.
#pragma once

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace triune::adapters::postgres {

template <std::integral T>
T reverse_on_little(T value) {
  if constexpr (std::endian::native == std::endian::big || sizeof(T) == 1) return value;
  auto bits = static_cast<std::make_unsigned_t<T>>(value);
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(bits));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(bits));
  return static_cast<T>(__builtin_bswap64(bits));
}

/// Reads from the front of `bytes`, which must be long enough, and shortens it.
template <std::integral T>
T take(std::string_view& bytes) {
  T value{};
  std::copy_n(bytes.begin(), sizeof value, reinterpret_cast<char*>(&value));
  bytes.remove_prefix(sizeof value);
  return reverse_on_little(value);
}

template <std::integral T>
void put(std::string& to, T value) {
  value = reverse_on_little(value);
  to.append(reinterpret_cast<const char*>(&value), sizeof value);
}

}  // namespace triune::adapters::postgres
