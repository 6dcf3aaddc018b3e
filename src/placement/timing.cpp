#include "placement/timing.h"

#include "base/try.h"

namespace triune::placement {
namespace {

using Clock = std::chrono::steady_clock;

/// Nobody waits for more rows of a typical query.
constexpr std::size_t most_rows = 1000;

}  // namespace

Result<Timing> time_query(Source& source, std::string_view sql, std::span<const std::vector<Value>> parameters,
                          std::chrono::milliseconds patience) {
  Timing timing;
  std::vector<double> times;
  const auto end = Clock::now() + patience;
  for (std::size_t run = 0; run <= parameters.size(); ++run) {
    if (parameters.empty() || (!times.empty() && Clock::now() > end)) break;
    const auto& values = parameters[run == 0 ? 0 : run - 1];
    const auto begin = Clock::now();
    const auto rows = source.rows(sql, values, most_rows);
    const double took = std::chrono::duration<double, std::micro>(Clock::now() - begin).count();
    TRIUNE_TRY(source.go_on());
    timing.stopped = !rows && rows.error().code == ErrorCode::deadline_exceeded;
    if (!rows && !timing.stopped) return failure(rows.error().code, rows.error().message);
    if (run > 0 || timing.stopped || Clock::now() > end) times.push_back(took);
    if (timing.stopped) break;
  }
  if (times.empty()) return timing;
  std::sort(times.begin(), times.end());
  timing.samples = times.size();
  timing.median_us = times[times.size() / 2];
  timing.slowest_us = times.back();
  return timing;
}

}  // namespace triune::placement
