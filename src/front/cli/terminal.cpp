#include "front/cli/terminal.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

namespace triune::front {
namespace {

int output_error = 0;  // The first errno of a failed write; the command line has one thread that prints.

/// The code point at `position` and how many bytes it has; a byte that is not UTF-8 stands for itself.
std::pair<std::uint32_t, std::size_t> code_point_at(std::string_view text, std::size_t position) {
  const auto lead = static_cast<unsigned char>(text[position]);
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xC0 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length < 2 || position + length > text.size()) return {lead, 1};
  std::uint32_t point = lead & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i)
    point = (point << 6U) | (static_cast<unsigned char>(text[position + i]) & 0x3FU);
  return {point, length};
}

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

template <std::size_t N>
bool within(const std::array<Range, N>& ranges, std::uint32_t point) {
  return std::ranges::any_of(ranges, [&](const Range& range) { return point >= range.first && point <= range.last; });
}

// The blocks that matter in practice, after Unicode's East Asian Width and the combining marks.
constexpr std::array<Range, 6> zero_width{
    {{0x0300, 0x036F}, {0x200B, 0x200F}, {0x20D0, 0x20FF}, {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xE0100, 0xE01EF}}};
constexpr std::array<Range, 9> double_width{{{0x1100, 0x115F},
                                             {0x2E80, 0x303E},
                                             {0x3041, 0xA4CF},
                                             {0xAC00, 0xD7A3},
                                             {0xF900, 0xFAFF},
                                             {0xFE30, 0xFE6F},
                                             {0xFF00, 0xFF60},
                                             {0x1F300, 0x1FAFF},
                                             {0x20000, 0x3FFFD}}};

std::size_t width_of(std::uint32_t point) {
  if (point < 0x300) return 1;
  if (within(zero_width, point)) return 0;
  return within(double_width, point) ? 2 : 1;
}

}  // namespace

void print(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() && output_error == 0) output_error = errno;
}

void note(std::string_view line) {
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
  if (!line.ends_with('\n')) std::fputc('\n', stderr);
}

bool flush_output() {
  if (std::fflush(stdout) != 0 && output_error == 0) output_error = errno;
  return output_error == 0 || output_error == EPIPE;
}

bool output_is_terminal() {
  return ::isatty(STDOUT_FILENO) == 1;
}

std::size_t terminal_columns() {
  winsize size{};
  if (!output_is_terminal() || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

std::string inked(std::string_view text, Ink ink) {
  const char* const no_colour = std::getenv("NO_COLOR");
  if (!output_is_terminal() || (no_colour != nullptr && *no_colour != '\0')) return std::string(text);
  const int code = ink == Ink::bold ? 1 : ink == Ink::green ? 32 : ink == Ink::yellow ? 33 : 31;
  return fmt::format("\033[{}m{}\033[0m", code, text);
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  for (std::size_t position = 0; position < text.size();) {
    const auto [point, length] = code_point_at(text, position);
    width += width_of(point);
    position += length;
  }
  return width;
}

std::string cut_to_width(std::string_view text, std::size_t columns) {
  std::size_t width = 0;
  std::size_t keep = 0;  // Bytes that fit beside the "…".
  for (std::size_t position = 0; position < text.size();) {
    const auto [point, length] = code_point_at(text, position);
    width += width_of(point);
    position += length;
    if (width < columns) keep = position;
    if (width > columns) return std::string(text.substr(0, keep)) + "…";
  }
  return std::string(text);
}

std::string printable(std::string_view text) {
  std::string clean;
  clean.reserve(text.size());
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte == '\n')
      clean += "\\n";
    else if (byte == '\t')
      clean += "\\t";
    else if (byte < 0x20 || byte == 0x7F)
      clean += fmt::format("\\x{:02x}", byte);
    else
      clean += character;
  }
  return clean;
}

std::string grouped(unsigned long long number) {
  std::string digits = std::to_string(number);
  for (auto position = static_cast<std::ptrdiff_t>(digits.size()) - 3; position > 0; position -= 3)
    digits.insert(static_cast<std::size_t>(position), 1, ',');
  return digits;
}

std::string byte_size(unsigned long long bytes) {
  constexpr std::array<std::string_view, 5> units{"bytes", "KB", "MB", "GB", "TB"};
  auto amount = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (amount >= 1000 && unit + 1 < units.size()) {
    amount /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{} bytes", bytes) : fmt::format("{:.1f} {}", amount, units[unit]);
}

}  // namespace triune::front
