// How long to wait before the next attempt: exponential, with jitter, so that many callers do not come back at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>

namespace triune::runtime {

/// Uniform in [0, 1). Injected by tests.
using RandomSource = std::function<double()>;

/// Seeded by the system, for each thread. Any thread.
RandomSource random_source();

/// Pauses that double from `first` to `longest`.
struct Backoff {
  std::chrono::milliseconds first{100};
  std::chrono::milliseconds longest{10'000};

  /// The pause before attempt `attempt` (0 is the first repetition), without jitter.
  [[nodiscard]] std::chrono::milliseconds ceiling(std::uint32_t attempt) const;
  /// Anything from zero to the ceiling ("full jitter"): for independent callers, who must spread.
  [[nodiscard]] std::chrono::milliseconds full_jitter(std::uint32_t attempt, double random) const;
  /// From half the ceiling to all of it: for a single guard, whose pause must not vanish.
  [[nodiscard]] std::chrono::milliseconds equal_jitter(std::uint32_t attempt, double random) const;
};

}  // namespace triune::runtime
