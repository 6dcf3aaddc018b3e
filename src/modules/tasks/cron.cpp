#include "modules/tasks/cron.h"

#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <vector>

#include "base/try.h"

namespace triune::modules::tasks {
namespace {

constexpr std::int64_t minute_ms = 60'000;
constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t most_days = 8 * 366 + 1;

struct Field {
  std::string_view name;
  std::int64_t low;
  std::int64_t high;
};

constexpr std::array<Field, 5> known{
    {{"minute", 0, 59}, {"hour", 0, 23}, {"day of the month", 1, 31}, {"month", 1, 12}, {"day of the week", 0, 7}}};

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(at, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

bool number(std::string_view text, std::int64_t& value) {
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), value);
  return wrong == std::errc() && end == text.data() + text.size() && !text.empty() && text.front() != '-';
}

/// "*", "5", "1-5", each with "/2" or without. False: none of these.
bool add_part(std::string_view part, const Field& field, std::bitset<64>& set) {
  std::int64_t step = 1;
  const auto slash = part.find('/');
  if (slash != std::string_view::npos && (!number(part.substr(slash + 1), step) || step < 1)) return false;
  const auto range = part.substr(0, slash);
  std::int64_t low = field.low;
  std::int64_t high = field.high;
  if (range != "*") {
    const auto dash = range.find('-');
    if (!number(range.substr(0, dash), low)) return false;
    high = slash == std::string_view::npos ? low : field.high;
    if (dash != std::string_view::npos && !number(range.substr(dash + 1), high)) return false;
  }
  if (low < field.low || high > field.high || low > high) return false;
  for (auto value = low; value <= high; value += step) set.set(static_cast<std::size_t>(value));
  return true;
}

}  // namespace

Result<Cron> Cron::parse(std::string_view text) {
  std::vector<std::string_view> words;
  for (const auto word : split(text, ' '))
    if (!word.empty()) words.push_back(word);
  if (words.size() != known.size())
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("'{}' has {} fields; a cron expression has minute, hour, day of the month, month, day of "
                    "the week",
                    text, words.size()));
  Cron cron;
  for (std::size_t i = 0; i < known.size(); ++i)
    for (const auto part : split(words[i], ','))
      if (!add_part(part, known[i], cron.fields_[i]))
        return failure(
            ErrorCode::invalid_argument,
            fmt::format("'{}' is no {}: *, a number from {} to {}, a range a-b, either with /n, or a list of "
                        "them with commas",
                        words[i], known[i].name, known[i].low, known[i].high));
  cron.any_day_of_month_ = words[2].front() == '*';
  cron.any_day_of_week_ = words[4].front() == '*';
  if (cron.fields_[4][7]) cron.fields_[4].set(0);
  if (cron.search(0) < 0)
    return failure(ErrorCode::invalid_argument, fmt::format("'{}' is a time that never comes", text));
  return cron;
}

bool Cron::matches_day(std::int64_t day) const {
  const std::chrono::sys_days date{std::chrono::days(day)};
  const std::chrono::year_month_day parts(date);
  if (!fields_[3][static_cast<unsigned>(parts.month())]) return false;
  const bool of_month = fields_[2][static_cast<unsigned>(parts.day())];
  const bool of_week = fields_[4][std::chrono::weekday(date).c_encoding()];
  if (!any_day_of_month_ && !any_day_of_week_) return of_month || of_week;
  return of_month && of_week;
}

std::int64_t Cron::search(std::int64_t after_ms) const {
  const auto first = (after_ms / minute_ms + 1) * minute_ms;
  for (auto day = first / day_ms; day < first / day_ms + most_days; ++day) {
    if (!matches_day(day)) continue;
    const auto from = std::max<std::int64_t>(first - day * day_ms, 0) / minute_ms;
    for (auto minute = from; minute < day_ms / minute_ms; ++minute)
      if (fields_[1][static_cast<std::size_t>(minute / 60)] && fields_[0][static_cast<std::size_t>(minute % 60)])
        return day * day_ms + minute * minute_ms;
  }
  return -1;
}

std::int64_t Cron::next(std::int64_t after_ms) const {
  return search(after_ms);
}

}  // namespace triune::modules::tasks
