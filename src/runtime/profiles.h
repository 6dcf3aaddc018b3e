// Bounds of pools for the environments a hive runs in.
#pragma once

#include <cstdint>
#include <string_view>

#include "contract/connection_pool.h"
#include "contract/registry.h"
#include "triune/status.h"

namespace triune::runtime {

enum class Environment : std::uint8_t { development, staging, production };

/// "development", "staging" or "production"; `invalid_argument` otherwise.
Result<Environment> parse_environment(std::string_view name);
std::string_view to_string(Environment environment);

/// Sizes and times of an environment, to be changed field by field before they are used.
///
///                 readers  writers  kept open  lifetime  leak after
///   development      5        2         0       30 min      10 s
///   staging         15        5         2       30 min      30 s
///   production      30       15         4       60 min      60 s
///
/// Readers and writers together are what one process may open on the server.
struct PoolProfile {
  std::uint32_t readers = 0;    ///< `largest` of the read pool.
  std::uint32_t writers = 0;    ///< `largest` of the write pool.
  contract::PoolSettings pool;  ///< What both have in common; `largest` and `name` are the pools' own.
};

PoolProfile profile_of(Environment environment);

/// Whether bounds make sense: sizes 1 to 1,000, `smallest` within both pools, queue 1 to 1,000,000, times positive and
/// at most a year (`leak_after` and `validate_after` may be zero). Error: `invalid_argument`, naming the field, the
/// value and the bounds.
Status check(const PoolProfile& profile);
/// The same for one pool.
Status check(const contract::PoolSettings& settings);

/// Checks `profile` and sets it and runtime's pools in `options`.
Status apply(const PoolProfile& profile, contract::EngineOptions& options);

}  // namespace triune::runtime
