// JSON text to values and back. Thread rule: pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::model {

/// Parses one JSON value, nested at most 1,024 deep. Objects and arrays become `Json` with minified text; integers
/// beyond 64 bit become double. Half a surrogate pair, which JavaScript writes and UTF-8 cannot hold, becomes U+FFFD.
/// Error: `invalid_argument` for all three parsers.
Result<Value> parse_json(std::string_view text);

/// Parses a JSON object into its members in their order. Of a name that repeats the last value wins.
Result<Record> parse_json_object(std::string_view text);

/// Parses a JSON array of numbers that fit into 32-bit floats.
Result<std::vector<float>> parse_json_vector(std::string_view text);

/// Appends `text` as a JSON string, quoted and escaped; what is not UTF-8 in it becomes U+FFFD.
void append_json_string(std::string& to, std::string_view text);

/// `text` as a JSON string.
std::string json_string(std::string_view text);

/// Base64 with padding (RFC 4648, section 4), and back; the strict form only, so that equal bytes have equal texts.
std::string base64(const Bytes& bytes);
Result<Bytes> parse_base64(std::string_view text);

/// Whether `text` is valid UTF-8 without NUL, which every engine can hold.
bool is_storable_text(std::string_view text) noexcept;

}  // namespace triune::model
