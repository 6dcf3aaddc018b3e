#include "triune/ids.h"

#include <fmt/format.h>
#include <sys/random.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <mutex>

namespace triune {
namespace {

std::uint64_t random_bits() {
  std::uint64_t bits = 0;
  if (::getrandom(&bits, sizeof bits, 0) != static_cast<ssize_t>(sizeof bits))
    std::abort();  // no id is better than a weak one
  return bits;
}

}  // namespace

std::string new_id() {
  // RFC 9562 section 6.2 method 2: the 74 bits after the time start random and count up within one millisecond, so that
  // ids of one process sort in the order they were made.
  static std::mutex mutex;
  static std::uint64_t last_ms = 0;
  static std::uint16_t high = 0;  // 12 bits
  static std::uint64_t low = 0;   // 62 bits
  constexpr std::uint64_t low_mask = (1ULL << 62U) - 1;

  const std::scoped_lock lock(mutex);
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  const auto now_ms = static_cast<std::uint64_t>(now.count());
  if (now_ms > last_ms) {
    last_ms = now_ms;
    high = static_cast<std::uint16_t>(random_bits() & 0x7FFU);
    low = random_bits() & low_mask;
  } else {
    low = (low + 1 + (random_bits() & 0xFFFFFFU)) & low_mask;
    if (low < 0x1000000U && ++high > 0xFFFU) {
      high = 0;
      ++last_ms;
    }
  }
  const std::uint64_t tail = (2ULL << 62U) | low;
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}", last_ms >> 16U, last_ms & 0xFFFFU, high, tail >> 48U,
                     tail & 0xFFFFFFFFFFFFULL);
}

}  // namespace triune
