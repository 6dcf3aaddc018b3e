// Lines of logs, in the three forms that agent hives write.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace triune::intake::agent_hive {

struct LogLine {
  std::int64_t at_ms = 0;  ///< Since 1970; a time without a zone is taken as UTC.
  std::string level;       ///< As it stands: "INFO".
  std::string logger;
  std::string message;  ///< Without its first line's beginning; further lines are added by the reader.
  std::string agent;
  std::string task;
  std::string correlation;
  std::string data;  ///< The whole line where it is JSON; empty otherwise.
};

/// "2025-07-15 14:04:56 INFO logger message", "2025-07-15 01:34:03,792 - logger - LEVEL - message", or an object of
/// JSON with timestamp, level, logger and message. Nothing for a line that begins no entry: it goes on with the one
/// before.
std::optional<LogLine> parse_log_line(std::string_view text);

/// Milliseconds of "2025-07-16T02:08:47.139418", with or without a zone, or of seconds since 1970 in digits.
std::optional<std::int64_t> milliseconds_of(std::string_view time);

}  // namespace triune::intake::agent_hive
