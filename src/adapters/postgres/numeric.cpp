#include "adapters/postgres/numeric.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <vector>

#include "adapters/postgres/big_endian.h"
#include "adapters/postgres/sqlstate.h"

namespace triune::adapters::postgres {
namespace {

constexpr std::uint16_t negative = 0x4000;
constexpr std::uint16_t not_a_number = 0xC000;
constexpr std::uint16_t infinity = 0xD000;
constexpr std::uint16_t minus_infinity = 0xF000;
constexpr int digits_in_group = 4;  // base 10,000

std::unexpected<Error> malformed() {
  return refuse(ErrorCode::internal, "the server sent bytes that are no numeric");
}

/// The digits behind the point, cut or filled to `scale`.
std::string fraction(const std::vector<std::uint16_t>& groups, int weight, int scale) {
  std::string digits;
  for (int group = weight + 1; static_cast<int>(digits.size()) < scale; ++group) {
    const bool there = group >= 0 && group < static_cast<int>(groups.size());
    digits += fmt::format("{:04}", there ? groups[static_cast<std::size_t>(group)] : 0);
  }
  digits.resize(static_cast<std::size_t>(scale));
  return digits;
}

std::string whole(const std::vector<std::uint16_t>& groups, int weight) {
  std::string digits;
  for (int group = 0; group <= weight; ++group) {
    const int value = group < static_cast<int>(groups.size()) ? groups[static_cast<std::size_t>(group)] : 0;
    digits += digits.empty() ? fmt::format("{}", value) : fmt::format("{:0{}}", value, digits_in_group);
  }
  return digits.empty() ? "0" : digits;
}

}  // namespace

Result<std::string> numeric_text(std::string_view bytes) {
  if (bytes.size() < 8) return malformed();
  const auto count = take<std::uint16_t>(bytes);
  const int weight = take<std::int16_t>(bytes);
  const auto sign = take<std::uint16_t>(bytes);
  const int scale = take<std::uint16_t>(bytes);
  if (sign == not_a_number) return std::string("NaN");
  if (sign == infinity) return std::string("Infinity");
  if (sign == minus_infinity) return std::string("-Infinity");
  if (bytes.size() != count * sizeof(std::uint16_t)) return malformed();
  std::vector<std::uint16_t> groups(count);
  for (auto& group : groups) group = take<std::uint16_t>(bytes);
  std::string text = (sign == negative ? "-" : "") + whole(groups, weight);
  if (scale > 0) text += "." + fraction(groups, weight, scale);
  return text;
}

Value integer_or_text(std::string text) {
  std::int64_t integer = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, integer);
  if (parsed.ec == std::errc() && parsed.ptr == end) return integer;
  return text;
}

}  // namespace triune::adapters::postgres
