// The text of API keys, and other secrets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace triune::modules::access {

inline constexpr std::size_t prefix_length = 10;
inline constexpr std::size_t secret_length = 43;  ///< Of 62 characters: 256 bits.

/// So many random characters of 0-9, A-Z, a-z, all equally likely. Aborts when the system has no randomness.
std::string random_text(std::size_t length);

/// "triune_PREFIX_SECRETCHECK".
std::string key_text(std::string_view prefix, std::string_view secret);

struct KeyParts {
  std::string_view prefix;
  std::string_view secret;
};
/// Nothing when the text has another form or its check does not fit. They point into the text.
std::optional<KeyParts> parse_key(std::string_view text);

/// SHA-256 as 64 hexadecimal digits.
std::string secret_hash(std::string_view secret);

/// Takes as long for texts that differ at their start as at their end.
bool equal_in_constant_time(std::string_view left, std::string_view right);

}  // namespace triune::modules::access
