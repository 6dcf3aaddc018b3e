#include "runtime/profiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/try.h"
#include "runtime/connection_pool.h"

namespace triune::runtime {
namespace {

using std::chrono::milliseconds;

constexpr std::uint32_t most_connections = 1'000;
constexpr std::uint32_t longest_queue = 1'000'000;
constexpr milliseconds longest_time = std::chrono::hours(24 * 365);

Status in_bounds(std::string_view field, std::int64_t value, std::int64_t least, std::int64_t most) {
  if (value >= least && value <= most) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the pool's {} is {}, but must be {} to {}", field, value, least, most));
}

Status in_bounds(std::string_view field, milliseconds value, std::int64_t least) {
  return in_bounds(fmt::format("{} (in milliseconds)", field), value.count(), least, longest_time.count());
}

Status check_times(const contract::PoolSettings& settings) {
  TRIUNE_TRY(in_bounds("connect_timeout", settings.connect_timeout, 1));
  TRIUNE_TRY(in_bounds("validate_after", settings.validate_after, 0));
  TRIUNE_TRY(in_bounds("idle_timeout", settings.idle_timeout, 1));
  TRIUNE_TRY(in_bounds("lifetime", settings.lifetime, 1));
  return in_bounds("leak_after", settings.leak_after, 0);
}

}  // namespace

Result<Environment> parse_environment(std::string_view name) {
  for (const auto environment : {Environment::development, Environment::staging, Environment::production})
    if (name == to_string(environment)) return environment;
  return failure(ErrorCode::invalid_argument,
                 fmt::format("'{}' is no environment; use development, staging or production", name));
}

std::string_view to_string(Environment environment) {
  switch (environment) {
    case Environment::development: return "development";
    case Environment::staging: return "staging";
    case Environment::production: return "production";
  }
  std::unreachable();
}

PoolProfile profile_of(Environment environment) {
  using namespace std::chrono_literals;
  PoolProfile profile{.readers = 5, .writers = 2};
  profile.pool.lifetime = 30min;
  profile.pool.leak_after = 10s;
  if (environment == Environment::development) return profile;
  profile.readers = 15;
  profile.writers = 5;
  profile.pool.smallest = 2;
  profile.pool.leak_after = 30s;
  if (environment == Environment::staging) return profile;
  profile.readers = 30;
  profile.writers = 15;
  profile.pool.smallest = 4;
  profile.pool.lifetime = 60min;
  profile.pool.leak_after = 60s;
  return profile;
}

Status check(const contract::PoolSettings& settings) {
  TRIUNE_TRY(in_bounds("largest size", settings.largest, 1, most_connections));
  TRIUNE_TRY(in_bounds("smallest size", settings.smallest, 0, settings.largest));
  TRIUNE_TRY(in_bounds("queue", settings.queue, 1, longest_queue));
  return check_times(settings);
}

Status check(const PoolProfile& profile) {
  TRIUNE_TRY(in_bounds("number of readers", profile.readers, 1, most_connections));
  TRIUNE_TRY(in_bounds("number of writers", profile.writers, 1, most_connections));
  auto settings = profile.pool;
  settings.largest = std::min(profile.readers, profile.writers);
  return check(settings);
}

Status apply(const PoolProfile& profile, contract::EngineOptions& options) {
  TRIUNE_TRY(check(profile));
  options.readers = profile.readers;
  options.writers = profile.writers;
  options.pool = profile.pool;
  options.make_pool = make_connection_pool;
  return {};
}

}  // namespace triune::runtime
