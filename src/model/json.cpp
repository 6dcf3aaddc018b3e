#include "model/json.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <cmath>
#include <limits>
#include <memory>
#include <unordered_map>
#include <utility>

#include "base/try.h"
#include "model/json_text.h"

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

void append_escape(std::string& to, unsigned char character) {
  switch (character) {
    case '"': to += "\\\""; break;
    case '\\': to += "\\\\"; break;
    case '\n': to += "\\n"; break;
    case '\r': to += "\\r"; break;
    case '\t': to += "\\t"; break;
    default: fmt::format_to(std::back_inserter(to), "\\u{:04x}", character);
  }
}

/// Documents up to this size share a thread's parser; its buffers, ten times as large, live as long as the thread.
constexpr std::size_t shared_parser_bytes = 1U << 20U;

/// A parser and the one document it holds.
class Document {
 public:
  explicit Document(std::size_t size)
      : own_(size > shared_parser_bytes ? std::make_unique<simdjson::dom::parser>() : nullptr) {}

  simdjson::simdjson_result<simdjson::dom::element> parse(std::string_view text) {
    thread_local simdjson::dom::parser shared;
    // simdjson reads up to 64 bytes past the end; it copies the text when the buffer may be too short.
    return (own_ ? *own_ : shared).parse(text.data(), text.size(), true);
  }

 private:
  std::unique_ptr<simdjson::dom::parser> own_;
};

/// Parses `text` as a T: an element, object or array, valid as long as `document`.
template <class T>
Result<T> parse_as(Document& document, std::string_view text, std::string_view what) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // the byte order mark some editors write
  T parsed;
  auto code = document.parse(text).get(parsed);
  if (code == simdjson::NUMBER_ERROR || code == simdjson::STRING_ERROR)
    if (const auto mended = mend_json(text)) code = document.parse(*mended).get(parsed);
  if (code) return std::unexpected(parse_error(what, code));
  return parsed;
}

/// Appends a member, or gives the earlier one of that name its value. `places` is filled only for wide objects, where
/// looking through all members for each would take quadratic time.
class RecordBuilder {
 public:
  void add(std::string_view name, Value value) {
    if (auto* present = find_present(name)) {
      *present = std::move(value);
      return;
    }
    record_.push_back({std::string(name), std::move(value)});
    if (!places_.empty()) places_.emplace(record_.back().name, record_.size() - 1);
  }

  Record take() { return std::move(record_); }

 private:
  static constexpr std::size_t wide = 16;

  Value* find_present(std::string_view name) {
    if (record_.size() < wide) return const_cast<Value*>(find(record_, name));
    if (places_.empty())
      for (std::size_t at = 0; at < record_.size(); ++at) places_.emplace(record_[at].name, at);
    const auto place = places_.find(std::string(name));
    return place == places_.end() ? nullptr : &record_[place->second].value;
  }

  Record record_;
  std::unordered_map<std::string, std::size_t> places_;
};

}  // namespace

Result<Value> parse_json(std::string_view text) {
  Document document(text.size());
  TRIUNE_ASSIGN(const auto element, parse_as<simdjson::dom::element>(document, text, "value"));
  return to_value(element);
}

Result<Record> parse_json_object(std::string_view text) {
  Document document(text.size());
  TRIUNE_ASSIGN(const auto object, parse_as<simdjson::dom::object>(document, text, "object"));
  RecordBuilder record;
  for (const auto member : object) record.add(member.key, to_value(member.value));
  return record.take();
}

Result<std::vector<float>> parse_json_vector(std::string_view text) {
  Document document(text.size());
  TRIUNE_ASSIGN(const auto array, parse_as<simdjson::dom::array>(document, text, "array of numbers"));
  std::vector<float> values;
  values.reserve(array.size());
  for (const auto element : array) {
    double value = 0;
    if (const auto code = element.get(value)) return std::unexpected(parse_error("array of numbers", code));
    if (std::abs(value) > std::numeric_limits<float>::max())
      return failure(ErrorCode::invalid_argument,
                     fmt::format("element {} of the vector, {}, does not fit into 32 bits", values.size(), value));
    values.push_back(static_cast<float>(value));
  }
  return values;
}

void append_json_string(std::string& to, std::string_view text) {
  std::string repaired;
  if (!simdjson::validate_utf8(text.data(), text.size())) text = repaired = repair_utf8(text);
  to += '"';
  std::size_t copied = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto character = static_cast<unsigned char>(text[at]);
    if (character >= 0x20 && character != '"' && character != '\\') continue;
    to += text.substr(copied, at - copied);
    append_escape(to, character);
    copied = at + 1;
  }
  to += text.substr(copied);
  to += '"';
}

std::string json_string(std::string_view text) {
  std::string result;
  append_json_string(result, text);
  return result;
}

bool is_storable_text(std::string_view text) noexcept {
  return text.find('\0') == std::string_view::npos && simdjson::validate_utf8(text.data(), text.size());
}

}  // namespace triune::model
