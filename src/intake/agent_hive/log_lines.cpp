#include "intake/agent_hive/log_lines.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cmath>

#include "intake/claude_code/text.h"
#include "model/json.h"

namespace triune::intake::agent_hive {
namespace {

constexpr std::array<std::string_view, 9> levels{"DEBUG", "INFO",     "NOTICE", "WARNING", "WARN",
                                                 "ERROR", "CRITICAL", "FATAL",  "TRACE"};

bool is_level(std::string_view word) {
  return std::find(levels.begin(), levels.end(), word) != levels.end();
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

/// The next word of `rest`, which moves behind it and the blanks after it.
std::string_view next_word(std::string_view& rest) {
  rest = trimmed(rest);
  const auto end = std::min(rest.find_first_of(" \t"), rest.size());
  const auto word = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return word;
}

std::string member(const Record& record, std::string_view name) {
  for (const auto& field : record)
    if (field.name == name && std::holds_alternative<std::string>(field.value))
      return std::get<std::string>(field.value);
  return {};
}

std::optional<LogLine> json_line(std::string_view text) {
  const auto record = model::parse_json_object(text);
  if (!record) return std::nullopt;
  const auto at = milliseconds_of(member(*record, "timestamp"));
  if (!at) return std::nullopt;
  LogLine line{.at_ms = *at, .level = member(*record, "level"), .logger = member(*record, "logger")};
  line.message = member(*record, "message");
  line.agent = member(*record, "agent_id");
  line.task = member(*record, "task_id");
  line.correlation = member(*record, "correlation_id");
  line.data = text;
  return line;
}

/// "logger - LEVEL - message".
std::optional<LogLine> dashed(std::int64_t at_ms, std::string_view rest) {
  constexpr std::string_view dash = " - ";
  const auto first = rest.find(dash);
  const auto second = first == std::string_view::npos ? first : rest.find(dash, first + dash.size());
  if (second == std::string_view::npos) return std::nullopt;
  const auto level = trimmed(rest.substr(first + dash.size(), second - first - dash.size()));
  if (!is_level(level)) return std::nullopt;
  LogLine line{.at_ms = at_ms, .level = std::string(level), .logger = std::string(trimmed(rest.substr(0, first)))};
  line.message = trimmed(rest.substr(second + dash.size()));
  return line;
}

}  // namespace

std::optional<std::int64_t> milliseconds_of(std::string_view time) {
  double seconds = 0;
  if (const auto read = std::from_chars(time.data(), time.data() + time.size(), seconds);
      read.ec == std::errc() && read.ptr == time.data() + time.size())
    return std::isfinite(seconds) && std::abs(seconds) < 1e11 ? std::optional(std::llround(seconds * 1'000))
                                                              : std::nullopt;
  const auto normal = claude::normalised_time(time);
  if (!normal || normal->size() < 23) return std::nullopt;
  const auto number = [&](std::size_t begin, std::size_t length) {
    int value = 0;
    std::from_chars(normal->data() + begin, normal->data() + begin + length, value);
    return value;
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  if (!day.ok()) return std::nullopt;
  const std::chrono::sys_days days(day);
  const auto of_day = std::chrono::hours(number(11, 2)) + std::chrono::minutes(number(14, 2)) +
                      std::chrono::seconds(number(17, 2)) + std::chrono::milliseconds(number(20, 3));
  return std::chrono::duration_cast<std::chrono::milliseconds>(days.time_since_epoch() + of_day).count();
}

std::optional<LogLine> parse_log_line(std::string_view text) {
  if (text.starts_with('{')) return json_line(text);
  constexpr std::size_t time_length = std::string_view("2025-07-15 14:04:56").size();
  if (text.size() < time_length || text[4] != '-' || text[7] != '-' || text[13] != ':') return std::nullopt;
  auto end = time_length;
  std::string time(text.substr(0, end));
  if (end + 3 < text.size() && (text[end] == ',' || text[end] == '.')) {
    time += '.';
    for (++end; end < text.size() && text[end] >= '0' && text[end] <= '9'; ++end) time += text[end];
  }
  const auto at = milliseconds_of(time);
  if (!at) return std::nullopt;
  auto rest = text.substr(end);
  if (rest.starts_with(" - ")) return dashed(*at, rest.substr(3));
  const auto level = next_word(rest);
  if (!is_level(level)) return std::nullopt;
  LogLine line{.at_ms = *at, .level = std::string(level)};
  line.logger = next_word(rest);
  line.message = rest;
  return line;
}

}  // namespace triune::intake::agent_hive
