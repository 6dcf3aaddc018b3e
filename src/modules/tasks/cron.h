// Cron expressions: five fields, in UTC (include/triune/modules/workflows.h says which forms).
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string_view>

#include "triune/status.h"

namespace triune::modules::tasks {

class Cron {
 public:
  /// Error: `invalid_argument` that names the field; also for a date that never comes, such as the 30th of February.
  static Result<Cron> parse(std::string_view text);

  /// The first matching minute after `after_ms`, in milliseconds since 1970.
  [[nodiscard]] std::int64_t next(std::int64_t after_ms) const;

 private:
  [[nodiscard]] bool matches_day(std::int64_t day) const;
  /// Nothing within the eight years that the longest way between two leap days takes: -1.
  [[nodiscard]] std::int64_t search(std::int64_t after_ms) const;

  std::array<std::bitset<64>, 5> fields_;  // minute, hour, day of month, month, day of week
  bool any_day_of_month_ = false;
  bool any_day_of_week_ = false;
};

}  // namespace triune::modules::tasks
