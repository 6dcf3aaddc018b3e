// What the tokenizer asks of a character. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace triune::adapters::onnx {

/// The characters of UTF-8; bytes that are none are left out.
std::u32string characters_of(std::string_view text);
/// `character` as UTF-8 behind `to`.
void append_character(std::string& to, char32_t character);

/// White_Space of Unicode.
bool is_space(char32_t character);
/// Control, format, surrogate and private characters but for tab and line ends; and U+FFFD.
bool is_dropped(char32_t character);
/// Categories P*, and every printable ASCII character that is neither letter nor digit.
bool is_punctuation(char32_t character);
/// The blocks of CJK ideographs.
bool is_chinese(char32_t character);

/// The canonical decomposition without nonspacing marks.
std::u32string without_accents(char32_t character);
char32_t lower_case(char32_t character);

}  // namespace triune::adapters::onnx
