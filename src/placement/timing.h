// The time of small queries.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include "placement/source.h"

namespace triune::placement {

/// Times of one query with several parameters, in microseconds.
struct Timing {
  std::uint64_t samples = 0;
  double median_us = 0;
  double slowest_us = 0;
  bool stopped = false;  ///< A run took longer than a statement may; its time counts as it was.
};

/// Runs `sql` once for each row of `parameters`, after one run that warms the cache. Ends early once `patience` is
/// over.
Result<Timing> time_query(Source& source, std::string_view sql, std::span<const std::vector<Value>> parameters,
                          std::chrono::milliseconds patience);

}  // namespace triune::placement
