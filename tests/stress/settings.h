// How long a stress test goes on: a default of its own, or what the environment says.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <random>

namespace triune::testing {

/// The number in the environment's `name`, or `otherwise`.
inline std::uint64_t stress_setting(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

/// How much a test does that also runs each time: `few`, with TRIUNE_STRESS set `many`, or what `name` says.
inline std::uint64_t stress_size(const char* name, std::uint64_t few, std::uint64_t many) {
  return stress_setting(name, std::getenv("TRIUNE_STRESS") == nullptr ? few : many);
}

/// TRIUNE_STRESS_SEED or a new one, printed so that a run can be had again.
inline std::uint64_t stress_seed() {
  const auto seed = stress_setting("TRIUNE_STRESS_SEED", std::random_device{}());
  std::cout << "seed " << seed << std::endl;  // flushed: a test that dies must have said it
  return seed;
}

}  // namespace triune::testing
