// Months that take events: partitions of triune_events in PostgreSQL, ranges of its key in SQLite
// (docs/decisions/0019).
#pragma once

#include <cstdint>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "modules/kit/module.h"
#include "triune/modules/events.h"

namespace triune::modules::events {

/// The start of the month that `at_ms` is in, UTC, and of the one `more` months later.
std::int64_t month_start(std::int64_t at_ms, int more = 0);
/// "2026-11".
std::string month_name(std::int64_t at_ms);

/// Thread rule: any thread.
class Months {
 public:
  explicit Months(const Module& module) : module_(module) {}

  /// Makes this month and `ahead` more; returns the new ones.
  Result<std::vector<std::string>> make(std::size_t ahead, const Actor& actor);
  /// The months that start then take events: makes those that are missing. Error: `conflict` while one is leaving.
  Status ensure(const std::set<std::int64_t>& starts, const Actor& actor);
  /// What was known may have gone.
  void forget();
  Result<std::vector<EventMonth>> all() const;

 private:
  Result<bool> make_one(std::int64_t start, const Actor& actor);

  const Module& module_;
  std::mutex mutex_;
  std::set<std::int64_t> known_;
};

}  // namespace triune::modules::events
