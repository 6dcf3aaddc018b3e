#include "adapters/postgres/copy.h"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>

#include "adapters/postgres/big_endian.h"
#include "adapters/postgres/sqlstate.h"
#include "model/json.h"

namespace triune::adapters::postgres {
namespace {

/// "PGCOPY\n\377\r\n\0", no flags, no extension.
constexpr std::string_view signature("PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0", 19);

template <class Integer>
bool in_range(std::int64_t value) {
  return value >= std::numeric_limits<Integer>::min() && value <= std::numeric_limits<Integer>::max();
}

bool integer_fits(Type type, std::int64_t value) {
  switch (type) {
    case Type::int2: return in_range<std::int16_t>(value);
    case Type::int4: return in_range<std::int32_t>(value);
    case Type::int8: return true;
    default: return false;
  }
}

bool is_text(Type type) {
  return type == Type::text || type == Type::varchar || type == Type::bpchar;
}

/// Lengths of varchar(n) are checked by the server in either form.
bool fits_binary(Type type, const Value& value) {
  if (is_null(value)) return true;
  if (std::holds_alternative<bool>(value)) return type == Type::boolean;
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return integer_fits(type, *integer);
  if (std::holds_alternative<double>(value)) return type == Type::float8;
  if (std::holds_alternative<Bytes>(value)) return type == Type::bytes;
  return is_text(type) || type == Type::json || type == Type::jsonb;
}

std::string_view text_of(const Value& value) {
  const auto* json = std::get_if<Json>(&value);
  return json != nullptr ? json->text : std::get<std::string>(value);
}

template <class Integer>
void put_field(std::string& to, Integer value) {
  put<std::int32_t>(to, sizeof value);
  put<Integer>(to, value);
}

void put_integer(Type type, std::int64_t value, std::string& to) {
  if (type == Type::int2) return put_field(to, static_cast<std::int16_t>(value));
  if (type == Type::int4) return put_field(to, static_cast<std::int32_t>(value));
  put_field(to, value);
}

void put_bytes(std::string_view bytes, bool with_version, std::string& to) {
  put<std::int32_t>(to, static_cast<std::int32_t>(bytes.size() + (with_version ? 1 : 0)));
  if (with_version) to += '\1';  // of jsonb's binary form
  to += bytes;
}

void put_binary(Type type, const Value& value, std::string& to) {
  if (is_null(value)) return put<std::int32_t>(to, -1);
  if (const auto* flag = std::get_if<bool>(&value)) return put_field(to, static_cast<std::int8_t>(*flag ? 1 : 0));
  if (const auto* integer = std::get_if<std::int64_t>(&value)) return put_integer(type, *integer, to);
  if (const auto* real = std::get_if<double>(&value)) return put_field(to, std::bit_cast<std::int64_t>(*real));
  if (const auto* bytes = std::get_if<Bytes>(&value))
    return put_bytes({reinterpret_cast<const char*>(bytes->data()), bytes->size()}, false, to);
  put_bytes(text_of(value), type == Type::jsonb, to);
}

void put_escaped(std::string_view text, std::string& to) {
  for (const char character : text) {
    switch (character) {
      case '\\': to += "\\\\"; break;
      case '\n': to += "\\n"; break;
      case '\r': to += "\\r"; break;
      case '\t': to += "\\t"; break;
      default: to += character;
    }
  }
}

/// As PostgreSQL's input functions read it.
void put_text(const Value& value, std::string& to) {
  if (is_null(value)) {
    to += "\\N";
  } else if (const auto* flag = std::get_if<bool>(&value)) {
    to += *flag ? 't' : 'f';
  } else if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    fmt::format_to(std::back_inserter(to), "{}", *integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    if (std::isfinite(*real)) {
      fmt::format_to(std::back_inserter(to), "{}", *real);
    } else {
      to += std::isnan(*real) ? "NaN" : *real < 0 ? "-Infinity" : "Infinity";
    }
  } else if (const auto* bytes = std::get_if<Bytes>(&value)) {
    to += "\\\\x";
    for (const std::byte byte : *bytes)
      fmt::format_to(std::back_inserter(to), "{:02x}", std::to_integer<unsigned>(byte));
  } else {
    put_escaped(text_of(value), to);
  }
}

}  // namespace

bool CopyEncoder::fits(std::span<const Type> types, std::span<const Value> values) {
  for (std::size_t index = 0; index < values.size(); ++index)
    if (!fits_binary(types[index % types.size()], values[index])) return false;
  return true;
}

void CopyEncoder::begin(std::string& to) const {
  if (binary_) to += signature;
}

void CopyEncoder::end(std::string& to) const {
  if (binary_) put<std::int16_t>(to, -1);
}

Status CopyEncoder::check(std::span<const Value> values, std::size_t column_count) {
  for (std::size_t index = 0; index < values.size(); ++index) {
    const Value& value = values[index];
    const bool text = std::holds_alternative<std::string>(value) || std::holds_alternative<Json>(value);
    if (text && !model::is_storable_text(text_of(value)))
      return refuse(ErrorCode::invalid_argument,
                    fmt::format("row {}: value {} is not UTF-8 text without NUL; give bytes instead",
                                index / column_count + 1, index % column_count + 1));
  }
  return {};
}

void CopyEncoder::add_row(std::span<const Value> row, std::string& to) const {
  if (binary_) put<std::int16_t>(to, static_cast<std::int16_t>(row.size()));
  for (std::size_t column = 0; column < row.size(); ++column) {
    if (binary_) {
      put_binary(types_[column], row[column], to);
    } else {
      if (column > 0) to += '\t';
      put_text(row[column], to);
    }
  }
  if (!binary_) to += '\n';
}

}  // namespace triune::adapters::postgres
