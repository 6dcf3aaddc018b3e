#include <algorithm>
#include <array>

#include "modules/kit/module.h"
#include "triune/modules/events.h"

namespace triune {
namespace {

using enum EventStatus;

constexpr std::array<std::string_view, 6> statuses{"received", "processing", "processed",
                                                   "failed",   "ignored",    "archived"};
constexpr std::array<std::pair<std::string_view, EventStatus>, 3> foreign_statuses{
    {{"pending", received}, {"skipped", ignored}, {"retrying", received}}};

constexpr std::array<std::string_view, 5> severities{"debug", "info", "warning", "error", "critical"};
constexpr std::array<std::pair<std::string_view, EventSeverity>, 6> foreign_severities{
    {{"trace", EventSeverity::debug},
     {"notice", EventSeverity::info},
     {"warn", EventSeverity::warning},
     {"err", EventSeverity::error},
     {"fatal", EventSeverity::critical},
     {"emergency", EventSeverity::critical}}};

std::string small(std::string_view word) {
  std::string letters(word);
  std::transform(letters.begin(), letters.end(), letters.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return letters;
}

}  // namespace

std::string_view to_string(EventStatus status) noexcept {
  return statuses[static_cast<std::size_t>(status)];
}

Result<EventStatus> parse_event_status(std::string_view word) {
  const auto letters = small(word);
  for (std::size_t i = 0; i < statuses.size(); ++i)
    if (statuses[i] == letters) return static_cast<EventStatus>(i);
  for (const auto& [known, status] : foreign_statuses)
    if (known == letters) return status;
  return modules::unknown_word("an event's status", word, "received, processing, processed, failed, ignored, archived");
}

std::string_view to_string(EventSeverity severity) noexcept {
  return severities[static_cast<std::size_t>(severity)];
}

Result<EventSeverity> parse_event_severity(std::string_view word) {
  const auto letters = small(word);
  for (std::size_t i = 0; i < severities.size(); ++i)
    if (severities[i] == letters) return static_cast<EventSeverity>(i);
  for (const auto& [known, severity] : foreign_severities)
    if (known == letters) return severity;
  return modules::unknown_word("an event's severity", word, "debug, info, warning, error, critical");
}

}  // namespace triune
