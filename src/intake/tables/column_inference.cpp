#include "intake/tables/column_inference.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>

namespace triune::intake {
namespace {

constexpr std::int64_t largest_exact = 1LL << 53U;

bool is_digit(char character) noexcept {
  return character >= '0' && character <= '9';
}

bool is_true(std::string_view text) noexcept {
  return text == "true" || text == "TRUE" || text == "True";
}
bool is_false(std::string_view text) noexcept {
  return text == "false" || text == "FALSE" || text == "False";
}

// A number as people write one: no plus, no leading zeros, digits around the point. "007" and "+1" are names.
bool looks_numeric(std::string_view text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || !is_digit(text[0])) return false;
  return text.size() == 1 || text[0] != '0' || !is_digit(text[1]);
}

bool parse_integer(std::string_view text, std::int64_t& number) noexcept {
  if (!looks_numeric(text) || text == "-0") return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size();
}

bool parse_decimal(std::string_view text, double& number) noexcept {
  if (!looks_numeric(text) || text.ends_with('.')) return false;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(number);
}

bool has_only_digits(std::string_view text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  for (const char character : text)
    if (!is_digit(character)) return false;
  return true;
}

}  // namespace

void ColumnInference::add(const CsvCell& cell) noexcept {
  if (text_ || (cell.text.empty() && !cell.quoted)) return;
  std::int64_t integer = 0;
  double decimal = 0;
  if (parse_integer(cell.text, integer)) {
    integer_ = true;
    large_integer_ = large_integer_ || integer > largest_exact || integer < -largest_exact;
  } else if (is_true(cell.text) || is_false(cell.text)) {
    boolean_ = true;
  } else if (parse_decimal(cell.text, decimal) && (cell.text == "-0" || !has_only_digits(cell.text))) {
    decimal_ = true;
  } else {
    text_ = true;
  }
}

ColumnType ColumnInference::type() const noexcept {
  if (text_ || (boolean_ && (integer_ || decimal_)) || (decimal_ && large_integer_)) return ColumnType::text;
  if (boolean_) return ColumnType::boolean;
  if (decimal_) return ColumnType::decimal;
  return integer_ ? ColumnType::integer : ColumnType::null;
}

void set_cell(const CsvCell& cell, ColumnType type, Value& value) {
  std::int64_t integer = 0;
  double decimal = 0;
  if (cell.text.empty() && !cell.quoted) {
    value = Null{};
  } else if (type == ColumnType::integer && parse_integer(cell.text, integer)) {
    value = integer;
  } else if (type == ColumnType::decimal && parse_decimal(cell.text, decimal)) {
    value = decimal;
  } else if (type == ColumnType::boolean && (is_true(cell.text) || is_false(cell.text))) {
    value = is_true(cell.text);
  } else if (auto* const text = std::get_if<std::string>(&value)) {
    text->assign(cell.text);
  } else {
    value.emplace<std::string>(cell.text);
  }
}

ColumnType type_of(const Value& value) noexcept {
  switch (value.index()) {
    case 1: return ColumnType::boolean;
    case 2: return ColumnType::integer;
    case 3: return ColumnType::decimal;
    case 4:
    case 5: return ColumnType::text;
    case 6: return ColumnType::json;
    default: return ColumnType::null;
  }
}

ColumnType widened(ColumnType left, ColumnType right) noexcept {
  if (left == right || right == ColumnType::null) return left;
  if (left == ColumnType::null) return right;
  const auto numeric = [](ColumnType type) { return type == ColumnType::integer || type == ColumnType::decimal; };
  return numeric(left) && numeric(right) ? ColumnType::decimal : ColumnType::text;
}

}  // namespace triune::intake
