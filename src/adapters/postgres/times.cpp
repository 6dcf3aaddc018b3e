#include "adapters/postgres/times.h"

#include <fmt/format.h>

#include <limits>

namespace triune::adapters::postgres {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::int64_t day = 86'400 * second;

struct Date {
  std::int64_t year;  ///< Astronomical: 0 is 1 BC.
  unsigned month;
  unsigned day;
};

/// std::chrono's years end at 32767, PostgreSQL's at 294276; the calendar repeats every 400 years of 146,097 days.
Date date_of(std::int64_t days_since_2000) {
  constexpr std::int64_t march_0000_to_2000 = 730'425;  // from 0000-03-01
  constexpr std::int64_t days_in_era = 146'097;
  const std::int64_t days = days_since_2000 + march_0000_to_2000;
  const std::int64_t era = (days >= 0 ? days : days - days_in_era + 1) / days_in_era;
  const auto of_era = static_cast<std::uint64_t>(days - era * days_in_era);
  const std::uint64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::uint64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::uint64_t shifted_month = (5 * of_year + 2) / 153;
  const auto month = static_cast<unsigned>(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
  return {.year = static_cast<std::int64_t>(year_of_era) + era * 400 + (month <= 2 ? 1 : 0),
          .month = month,
          .day = static_cast<unsigned>(of_year - (153 * shifted_month + 2) / 5 + 1)};
}

std::string_view infinity(bool negative) {
  return negative ? "-infinity" : "infinity";
}

/// The calendar's part, the era kept apart: it goes to the very end of the text.
std::string calendar(const Date& date) {
  return fmt::format("{:04}-{:02}-{:02}", date.year > 0 ? date.year : 1 - date.year, date.month, date.day);
}

std::string_view era(const Date& date) {
  return date.year > 0 ? "" : " BC";
}

}  // namespace

std::string date_text(std::int32_t days) {
  using Limits = std::numeric_limits<std::int32_t>;
  if (days == Limits::min() || days == Limits::max()) return std::string(infinity(days < 0));
  const Date date = date_of(days);
  return fmt::format("{}{}", calendar(date), era(date));
}

std::string time_text(std::int64_t microseconds) {
  const std::int64_t seconds = microseconds / second;
  std::string text = fmt::format("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
  if (const std::int64_t fraction = microseconds % second; fraction != 0) {
    text += fmt::format(".{:06}", fraction);
    text.erase(text.find_last_not_of('0') + 1);
  }
  return text;
}

std::string timestamp_text(std::int64_t microseconds, bool zoned) {
  using Limits = std::numeric_limits<std::int64_t>;
  if (microseconds == Limits::min() || microseconds == Limits::max()) return std::string(infinity(microseconds < 0));
  std::int64_t days = microseconds / day;
  std::int64_t rest = microseconds % day;
  if (rest < 0) {
    rest += day;
    --days;
  }
  const Date date = date_of(days);
  return fmt::format("{} {}{}{}", calendar(date), time_text(rest), zoned ? "+00" : "", era(date));
}

}  // namespace triune::adapters::postgres
