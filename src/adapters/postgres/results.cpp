#include "adapters/postgres/results.h"

#include <fmt/format.h>

#include <bit>
#include <charconv>

#include "adapters/postgres/arrays.h"
#include "adapters/postgres/big_endian.h"
#include "adapters/postgres/numeric.h"
#include "adapters/postgres/sqlstate.h"
#include "adapters/postgres/times.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

bool is_scalar(Type type) {
  switch (type) {
    case Type::boolean:
    case Type::bytes:
    case Type::character:
    case Type::name:
    case Type::int8:
    case Type::int2:
    case Type::int4:
    case Type::text:
    case Type::oid:
    case Type::json:
    case Type::float4:
    case Type::float8:
    case Type::unknown:
    case Type::bpchar:
    case Type::varchar:
    case Type::date:
    case Type::time:
    case Type::timestamp:
    case Type::timestamptz:
    case Type::numeric:
    case Type::uuid:
    case Type::jsonb: return true;
    case Type::none: return false;
  }
  return false;
}

std::unexpected<Error> malformed(Type type) {
  return refuse(ErrorCode::internal,
                fmt::format("the server sent bytes that are no value of type {}", static_cast<std::uint32_t>(type)));
}

template <class Integer>
Value integer_of(std::string_view bytes) {
  return static_cast<std::int64_t>(take<Integer>(bytes));
}

/// The size of a binary value of this type; 0 when it varies.
std::size_t fixed_size(Type type) {
  switch (type) {
    case Type::boolean:
    case Type::character: return 1;
    case Type::int2: return 2;
    case Type::int4:
    case Type::oid:
    case Type::float4:
    case Type::date: return 4;
    case Type::int8:
    case Type::float8:
    case Type::time:
    case Type::timestamp:
    case Type::timestamptz: return 8;
    case Type::uuid: return 16;
    default: return 0;
  }
}

std::string uuid_text(std::string_view bytes) {
  std::string text;
  for (std::size_t index = 0; index < bytes.size(); ++index) {
    if (index == 4 || index == 6 || index == 8 || index == 10) text += '-';
    text += fmt::format("{:02x}", static_cast<unsigned char>(bytes[index]));
  }
  return text;
}

Result<Value> decode_binary(Type type, std::string_view bytes) {
  if (const auto size = fixed_size(type); size != 0 && bytes.size() != size) return malformed(type);
  switch (type) {
    case Type::boolean: return bytes[0] != 0;
    case Type::int2: return integer_of<std::int16_t>(bytes);
    case Type::int4: return integer_of<std::int32_t>(bytes);
    case Type::oid: return integer_of<std::uint32_t>(bytes);
    case Type::int8: return integer_of<std::int64_t>(bytes);
    case Type::float4: return static_cast<double>(std::bit_cast<float>(take<std::int32_t>(bytes)));
    case Type::float8: return std::bit_cast<double>(take<std::int64_t>(bytes));
    case Type::date: return date_text(take<std::int32_t>(bytes));
    case Type::time: return time_text(take<std::int64_t>(bytes));
    case Type::timestamp: return timestamp_text(take<std::int64_t>(bytes), false);
    case Type::timestamptz: return timestamp_text(take<std::int64_t>(bytes), true);
    case Type::uuid: return uuid_text(bytes);
    case Type::numeric: {
      auto text = numeric_text(bytes);
      return text ? integer_or_text(std::move(*text)) : Result<Value>(failure_of(text));
    }
    case Type::bytes: {
      const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
      return Bytes(first, first + bytes.size());
    }
    case Type::jsonb:
      if (bytes.empty() || bytes[0] != 1) return malformed(type);
      return Json{std::string(bytes.substr(1))};
    case Type::json: return Json{std::string(bytes)};
    // A "char" may be 0, which text cannot hold; PostgreSQL writes it as the empty text.
    case Type::character: return bytes[0] == 0 ? std::string() : std::string(bytes);
    default: return std::string(bytes);
  }
}

template <class Number>
Result<Value> parsed(Type type, std::string_view text) {
  Number number{};
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return malformed(type);
  if constexpr (std::is_integral_v<Number>) return static_cast<std::int64_t>(number);
  return static_cast<double>(number);
}

int digit_of(char character) {
  if (character >= '0' && character <= '9') return character - '0';
  if (character >= 'a' && character <= 'f') return character - 'a' + 10;
  return -1;
}

Result<Value> bytes_of_hexadecimal(std::string_view text) {
  if (!text.starts_with("\\x") || text.size() % 2 != 0) return malformed(Type::bytes);
  Bytes bytes;
  bytes.reserve(text.size() / 2 - 1);
  for (std::size_t index = 2; index < text.size(); index += 2) {
    const int high = digit_of(text[index]);
    const int low = digit_of(text[index + 1]);
    if (high < 0 || low < 0) return malformed(Type::bytes);
    bytes.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return bytes;
}

Result<Value> decode_text(Type type, std::string_view text) {
  switch (type) {
    case Type::boolean: return text == "t";
    case Type::int2:
    case Type::int4:
    case Type::oid:
    case Type::int8: return parsed<std::int64_t>(type, text);
    case Type::float4: return parsed<float>(type, text);
    case Type::float8: return parsed<double>(type, text);
    case Type::numeric: return integer_or_text(std::string(text));
    case Type::bytes: return bytes_of_hexadecimal(text);
    case Type::json:
    case Type::jsonb: return Json{std::string(text)};
    default: return std::string(text);
  }
}

}  // namespace

bool all_binary(const PGresult* result) {
  for (int column = 0; column < PQnfields(result); ++column) {
    const auto type = static_cast<Type>(PQftype(result, column));
    if (!is_scalar(type) && element_of(type) == Type::none) return false;
  }
  return true;
}

std::vector<std::string> column_names(const PGresult* result) {
  std::vector<std::string> names;
  for (int column = 0; column < PQnfields(result); ++column) names.emplace_back(PQfname(result, column));
  return names;
}

Status read_row(const PGresult* result, int row, std::vector<Value>& values) {
  const int columns = PQnfields(result);
  values.resize(static_cast<std::size_t>(columns));
  for (int column = 0; column < columns; ++column) {
    Value& value = values[static_cast<std::size_t>(column)];
    if (PQgetisnull(result, row, column) != 0) {
      value = Null{};
      continue;
    }
    const std::string_view bytes(PQgetvalue(result, row, column),
                                 static_cast<std::size_t>(PQgetlength(result, row, column)));
    TRIUNE_ASSIGN(value, decode(static_cast<Type>(PQftype(result, column)), PQfformat(result, column) == 1, bytes));
  }
  return {};
}

Result<Value> decode(Type type, bool binary, std::string_view bytes) {
  if (const Type element = element_of(type); element != Type::none)
    return binary ? array_from_binary(bytes) : array_from_text(element, bytes);
  if (!binary) return decode_text(type, bytes);
  if (is_scalar(type)) return decode_binary(type, bytes);
  auto changed = refuse(ErrorCode::conflict, "the type of a column changed since the statement ran last; run it again",
                        Retry::safe);
  changed.error().native_code = "0A000";
  return changed;
}

}  // namespace triune::adapters::postgres
