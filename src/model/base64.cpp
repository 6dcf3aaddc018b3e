#include <fmt/format.h>

#include <array>
#include <cstdint>

#include "model/json.h"

namespace triune::model {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t no_digit = 0xFF;

constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> digits{};
  digits.fill(no_digit);
  for (std::size_t value = 0; value < alphabet.size(); ++value)
    digits[static_cast<unsigned char>(alphabet[value])] = static_cast<std::uint8_t>(value);
  return digits;
}

constexpr auto digits = make_digits();

std::unexpected<Error> malformed(std::string_view why) {
  return failure(ErrorCode::invalid_argument, fmt::format("not valid base64: {}", why));
}

}  // namespace

std::string base64(const Bytes& bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i)
      group = (group << 8U) | (at + i < bytes.size() ? std::to_integer<std::uint32_t>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) text += at + i <= bytes.size() ? alphabet[(group >> (18 - 6 * i)) & 63U] : '=';
  }
  return text;
}

Result<Bytes> parse_base64(std::string_view text) {
  if (text.size() % 4 != 0) return malformed("its length is no multiple of 4; pad it with '='");
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  text.remove_suffix(padding);
  Bytes bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t group = 0;
  unsigned bits = 0;
  for (const char character : text) {
    const auto digit = digits[static_cast<unsigned char>(character)];
    if (digit == no_digit) return malformed(fmt::format("character {:#04x}", static_cast<unsigned char>(character)));
    group = (group << 6U) | digit;
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::byte>((group >> bits) & 0xFFU));
  }
  if ((group & ((1U << bits) - 1)) != 0) return malformed("bits left over at its end");
  return bytes;
}

}  // namespace triune::model
