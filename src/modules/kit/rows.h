// Cells of rows as values of structs, and back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "triune/value.h"

namespace triune::modules {

inline std::string text(const Value& cell) {
  return is_null(cell) ? std::string() : to_text(cell);
}

inline std::int64_t integer(const Value& cell) {
  const auto* const number = std::get_if<std::int64_t>(&cell);
  return number == nullptr ? 0 : *number;
}

inline std::optional<std::int64_t> optional_integer(const Value& cell) {
  return is_null(cell) ? std::nullopt : std::optional(integer(cell));
}

inline std::optional<double> optional_real(const Value& cell) {
  if (const auto* const real = std::get_if<double>(&cell)) return *real;
  if (const auto* const whole = std::get_if<std::int64_t>(&cell)) return static_cast<double>(*whole);
  return std::nullopt;
}

inline double real(const Value& cell) {
  return optional_real(cell).value_or(0);
}

/// NULL for nothing.
template <class T>
Value or_null(const std::optional<T>& value) {
  return value ? Value(*value) : Value();
}

/// NULL for an empty text.
inline Value text_or_null(const std::string& text) {
  return text.empty() ? Value() : Value(text);
}

}  // namespace triune::modules
