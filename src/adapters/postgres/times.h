// PostgreSQL's binary times as the text that the server itself writes with DateStyle ISO and time zone UTC.
#pragma once

#include <cstdint>
#include <string>

namespace triune::adapters::postgres {

/// "2026-11-21", "infinity", "0044-03-15 BC". `days` since 2000-01-01.
std::string date_text(std::int32_t days);
/// "23:59:59.5". `microseconds` since midnight, at most 24 hours.
std::string time_text(std::int64_t microseconds);
/// "2026-11-21 09:27:11.25", with "+00" behind it when `zoned`. `microseconds` since 2000-01-01.
std::string timestamp_text(std::int64_t microseconds, bool zoned);

}  // namespace triune::adapters::postgres
