#include "model/json_text.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace triune::model {
namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";
constexpr std::size_t exact_digits = 19;  // of which each number fits into an unsigned 64-bit integer

bool is_digit(char character) {
  return character >= '0' && character <= '9';
}

bool is_continuation(std::string_view text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
}

/// Length of the valid UTF-8 character at `at` (Unicode 15, table 3-7), or 0.
std::size_t character_length(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return 1;
  const auto second = at + 1 < text.size() ? static_cast<unsigned char>(text[at + 1]) : 0U;
  if (!is_continuation(text, at + 1) || first < 0xC2 || first > 0xF4) return 0;
  if (first < 0xE0) return 2;
  if ((first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F)) return 0;
  if (!is_continuation(text, at + 2)) return 0;
  if (first < 0xF0) return 3;
  if ((first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F)) return 0;
  return is_continuation(text, at + 3) ? 4 : 0;
}

/// The 16 bits of an escape \uXXXX at `at`, if there is one.
std::optional<std::uint32_t> escaped_unit(std::string_view text, std::size_t at) {
  if (at + 6 > text.size() || text[at] != '\\' || text[at + 1] != 'u') return std::nullopt;
  std::uint32_t unit = 0;
  const auto* end = text.data() + at + 6;
  return std::from_chars(text.data() + at + 2, end, unit, 16).ptr == end ? std::optional(unit) : std::nullopt;
}

bool is_high_surrogate(std::optional<std::uint32_t> unit) {
  return unit && *unit >= 0xD800 && *unit < 0xDC00;
}
bool is_low_surrogate(std::optional<std::uint32_t> unit) {
  return unit && *unit >= 0xDC00 && *unit < 0xE000;
}

class Mender {
 public:
  explicit Mender(std::string_view text) : text_(text) { result_.reserve(text.size() + 64); }

  std::optional<std::string> run() {
    while (at_ < text_.size()) {
      if (in_string_ && text_[at_] == '\\')
        escape();
      else if (!in_string_ && is_digit(text_[at_]))
        number();
      else
        plain();
    }
    return changed_ ? std::optional(std::move(result_)) : std::nullopt;
  }

 private:
  void copy(std::size_t count) {
    result_ += text_.substr(at_, count);
    at_ += count;
  }

  void plain() {
    if (text_[at_] == '"') in_string_ = !in_string_;
    copy(1);
  }

  void escape() {
    const auto unit = escaped_unit(text_, at_);
    if (is_high_surrogate(unit) && is_low_surrogate(escaped_unit(text_, at_ + 6))) {
      copy(12);
    } else if (is_high_surrogate(unit) || is_low_surrogate(unit)) {
      result_ += "\\ufffd";
      at_ += 6;
      changed_ = true;
    } else {
      copy(2);
    }
  }

  void number() {
    const auto end = std::find_if_not(text_.begin() + static_cast<std::ptrdiff_t>(at_), text_.end(), is_digit);
    const auto digits = static_cast<std::size_t>(end - text_.begin()) - at_;
    copy(digits);
    const char next = at_ < text_.size() ? text_[at_] : '\0';
    const bool is_integer = next != '.' && next != 'e' && next != 'E';
    const char previous = at_ > digits ? text_[at_ - digits - 1] : '\0';
    const bool is_fraction = previous == '.' || previous == 'e' || previous == 'E' || previous == '+';
    if (digits <= exact_digits || !is_integer || is_fraction) return;
    result_ += "e0";
    changed_ = true;
  }

  std::string_view text_;
  std::string result_;
  std::size_t at_ = 0;
  bool in_string_ = false;
  bool changed_ = false;
};

}  // namespace

std::string repair_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    const auto length = character_length(text, at);
    result += length > 0 ? text.substr(at, length) : replacement;
    at += std::max<std::size_t>(length, 1);
  }
  return result;
}

std::optional<std::string> mend_json(std::string_view text) {
  return Mender(text).run();
}

}  // namespace triune::model
