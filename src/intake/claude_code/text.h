// Text as the tables keep it: storable, bounded, comparable.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace triune::intake::claude {

/// What a row keeps of a large text; the whole is in a blob.
constexpr std::size_t row_text_bytes = 32U << 10U;

/// What a title keeps: it is a property in the graph.
constexpr std::size_t title_bytes = 200;

/// The beginning of `text` in at most `limit` bytes, never ending inside a UTF-8 sequence.
std::string_view beginning(std::string_view text, std::size_t limit = row_text_bytes) noexcept;

/// `text`, which is UTF-8, with every NUL as U+2400: engines hold no NUL.
std::string without_nul(std::string_view text);

/// Any bytes as storable text: what is no UTF-8 becomes U+FFFD, NUL becomes U+2400.
std::string readable(std::string_view bytes);

/// A text of at most 500 bytes that can be an id: a longer one keeps its beginning and gets its hash.
std::string bounded_id(std::string_view text);

/// 16 hexadecimal digits that differ for different texts.
std::string fingerprint(std::string_view text);

/// An ISO 8601 time in UTC with milliseconds, "2025-07-16T02:08:47.139Z". Reads "2025-07-16T02:08:47.139418",
/// "2025-07-16 02:08+02:00" and the like; without an offset it is UTC. Nothing when `text` is no time.
std::optional<std::string> normalised_time(std::string_view text);

/// The same from milliseconds since 1970.
std::optional<std::string> time_of_milliseconds(double milliseconds);

}  // namespace triune::intake::claude
