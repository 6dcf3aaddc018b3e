// Builds one JSON document as text, in the order of the calls.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include "triune/value.h"

namespace triune::front {

/// Not thread-safe. Begin and end must pair; inside an object every value follows its `key`.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view(text)); }
  JsonWriter& value(const std::string& text) { return value(std::string_view(text)); }
  JsonWriter& value(bool flag) { return raw(flag ? "true" : "false"); }
  JsonWriter& value(const Value& cell) { return raw(to_json(cell)); }
  JsonWriter& value(const Record& record) { return raw(to_json(record)); }
  template <std::integral Number>
  JsonWriter& value(Number number) {
    return raw(std::to_string(number));
  }
  template <std::floating_point Number>
  JsonWriter& value(Number number) {
    return raw(to_json(Value(static_cast<double>(number))));
  }
  /// Text that is JSON already.
  JsonWriter& raw(std::string_view json);

  /// A key and its value.
  template <class T>
  JsonWriter& member(std::string_view name, const T& content) {
    return key(name).value(content);
  }

  /// The document so far.
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string text_;
  bool needs_comma_ = false;
};

}  // namespace triune::front
