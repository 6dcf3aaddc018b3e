#include "adapters/onnx/characters.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>

namespace triune::adapters::onnx {
namespace {

struct Block {
  char32_t first;
  char32_t last;
};

constexpr std::array<Block, 8> chinese_blocks{{{0x4E00, 0x9FFF},
                                               {0x3400, 0x4DBF},
                                               {0x20000, 0x2A6DF},
                                               {0x2A700, 0x2B73F},
                                               {0x2B740, 0x2B81F},
                                               {0x2B820, 0x2CEAF},
                                               {0xF900, 0xFAFF},
                                               {0x2F800, 0x2FA1F}}};

utf8proc_category_t category_of(char32_t character) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(character));
}

}  // namespace

std::u32string characters_of(std::string_view text) {
  std::u32string characters;
  characters.reserve(text.size());
  while (!text.empty()) {
    utf8proc_int32_t character = -1;
    const auto length = utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                                         static_cast<utf8proc_ssize_t>(text.size()), &character);
    if (length > 0) characters.push_back(static_cast<char32_t>(character));
    text.remove_prefix(length > 0 ? static_cast<std::size_t>(length) : 1);
  }
  return characters;
}

void append_character(std::string& to, char32_t character) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const auto length = utf8proc_encode_char(static_cast<utf8proc_int32_t>(character), bytes.data());
  to.append(reinterpret_cast<const char*>(bytes.data()), static_cast<std::size_t>(length));
}

bool is_space(char32_t character) {
  if (character == U' ' || (character >= U'\t' && character <= U'\r') || character == 0x85) return true;
  const auto category = category_of(character);
  return category == UTF8PROC_CATEGORY_ZS || category == UTF8PROC_CATEGORY_ZL || category == UTF8PROC_CATEGORY_ZP;
}

bool is_dropped(char32_t character) {
  if (character == U'\t' || character == U'\n' || character == U'\r') return false;
  const auto category = category_of(character);
  return character == 0xFFFD || category >= UTF8PROC_CATEGORY_CC;
}

bool is_punctuation(char32_t character) {
  if (character < 0x80)
    return (character > 0x20 && character < U'0') || (character > U'9' && character < U'A') ||
           (character > U'Z' && character < U'a') || (character > U'z' && character < 0x7F);
  const auto category = category_of(character);
  return category >= UTF8PROC_CATEGORY_PC && category <= UTF8PROC_CATEGORY_PO;
}

bool is_chinese(char32_t character) {
  return std::any_of(chinese_blocks.begin(), chinese_blocks.end(),
                     [&](const Block& block) { return character >= block.first && character <= block.last; });
}

std::u32string without_accents(char32_t character) {
  if (character < 0x80) return {character};
  std::array<utf8proc_int32_t, 32> parts{};
  int last_class = 0;
  const auto count = utf8proc_decompose_char(static_cast<utf8proc_int32_t>(character), parts.data(), parts.size(),
                                             UTF8PROC_DECOMPOSE, &last_class);
  std::u32string kept;
  for (utf8proc_ssize_t i = 0; i < std::min<utf8proc_ssize_t>(count, parts.size()); ++i)
    if (utf8proc_category(parts[static_cast<std::size_t>(i)]) != UTF8PROC_CATEGORY_MN)
      kept.push_back(static_cast<char32_t>(parts[static_cast<std::size_t>(i)]));
  return kept;
}

char32_t lower_case(char32_t character) {
  return static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(character)));
}

}  // namespace triune::adapters::onnx
