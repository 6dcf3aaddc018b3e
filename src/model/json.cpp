#include "model/json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <array>
#include <cmath>

#include "base/try.h"

namespace triune::model {
namespace {

Error parse_error(std::string_view what, simdjson::error_code code) {
  return Error{.code = ErrorCode::invalid_argument,
               .message = fmt::format("not valid JSON ({}): {}", what, simdjson::error_message(code)),
               .engine = {},
               .native_code = std::to_string(static_cast<int>(code))};
}

Value to_value(simdjson::dom::element element) {
  using simdjson::dom::element_type;
  switch (element.type()) {
    case element_type::NULL_VALUE: return Null{};
    case element_type::BOOL: return element.get_bool().value_unsafe();
    case element_type::INT64: return element.get_int64().value_unsafe();
    case element_type::UINT64: return static_cast<double>(element.get_uint64().value_unsafe());
    case element_type::DOUBLE: return element.get_double().value_unsafe();
    case element_type::STRING: return std::string(element.get_string().value_unsafe());
    case element_type::ARRAY:
    case element_type::OBJECT: return Json{simdjson::minify(element)};
  }
  return Null{};
}

simdjson::dom::parser& thread_parser() {
  thread_local simdjson::dom::parser parser;
  return parser;
}

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

Result<Value> parse_json(std::string_view text) {
  simdjson::dom::element element;
  // simdjson reads up to 64 bytes past the end; it copies the text when the buffer may be too short.
  if (const auto code = thread_parser().parse(text.data(), text.size(), true).get(element))
    return std::unexpected(parse_error("value", code));
  return to_value(element);
}

Result<Record> parse_json_object(std::string_view text) {
  simdjson::dom::object object;
  if (const auto code = thread_parser().parse(text.data(), text.size(), true).get(object))
    return std::unexpected(parse_error("object", code));
  Record record;
  for (const auto member : object) {
    bool replaced = false;
    for (auto& field : record) {
      if (field.name != member.key) continue;
      field.value = to_value(member.value);
      replaced = true;
    }
    if (!replaced) record.push_back({std::string(member.key), to_value(member.value)});
  }
  return record;
}

Result<std::vector<float>> parse_json_vector(std::string_view text) {
  simdjson::dom::array array;
  if (const auto code = thread_parser().parse(text.data(), text.size(), true).get(array))
    return std::unexpected(parse_error("array of numbers", code));
  std::vector<float> values;
  for (const auto element : array) {
    double value = 0;
    if (const auto code = element.get(value)) return std::unexpected(parse_error("array of numbers", code));
    values.push_back(static_cast<float>(value));
  }
  return values;
}

void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  for (const char character : text) {
    switch (character) {
      case '"': to += "\\\""; break;
      case '\\': to += "\\\\"; break;
      case '\n': to += "\\n"; break;
      case '\r': to += "\\r"; break;
      case '\t': to += "\\t"; break;
      default:
        if (static_cast<unsigned char>(character) < 0x20)
          fmt::format_to(std::back_inserter(to), "\\u{:04x}", static_cast<unsigned>(character));
        else
          to += character;
    }
  }
  to += '"';
}

std::string json_string(std::string_view text) {
  std::string result;
  append_json_string(result, text);
  return result;
}

std::string base64(const Bytes& bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j)
      group = (group << 8U) | (i + j < bytes.size() ? std::to_integer<std::uint32_t>(bytes[i + j]) : 0U);
    for (std::size_t j = 0; j < 4; ++j)
      text += i + j <= bytes.size() ? base64_alphabet[(group >> (18 - 6 * j)) & 63U] : '=';
  }
  return text;
}

Result<Bytes> parse_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  Bytes bytes;
  std::uint32_t group = 0;
  int bits = 0;
  for (const char character : text) {
    const auto digit = base64_alphabet.find(character);
    if (digit == std::string_view::npos)
      return failure(ErrorCode::invalid_argument, fmt::format("'{}' is not a base64 digit", character));
    group = (group << 6U) | static_cast<std::uint32_t>(digit);
    bits += 6;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push_back(static_cast<std::byte>((group >> static_cast<unsigned>(bits)) & 0xFFU));
  }
  return bytes;
}

bool is_storable_text(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos && simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace triune::model
