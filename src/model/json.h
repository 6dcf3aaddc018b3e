// JSON text to values and back.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::model {

/// Parses one JSON value. Objects and arrays become `Json` with minified text; integers beyond 64 bit become double.
Result<Value> parse_json(std::string_view text);

/// Parses a JSON object into its members in their order. Of a name that repeats the last value wins.
Result<Record> parse_json_object(std::string_view text);

/// Parses a JSON array of numbers.
Result<std::vector<float>> parse_json_vector(std::string_view text);

/// Appends `text` as a JSON string, quoted and escaped.
void append_json_string(std::string& to, std::string_view text);

/// `text` as a JSON string.
std::string json_string(std::string_view text);

/// Base64 with padding (RFC 4648), and back.
std::string base64(const Bytes& bytes);
Result<Bytes> parse_base64(std::string_view text);

/// Whether `text` is valid UTF-8 without NUL, which every engine can hold.
bool is_storable_text(std::string_view text) noexcept;

}  // namespace triune::model
