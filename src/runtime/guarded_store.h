// A relational store behind circuit breakers and a retry policy.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "contract/relational_store.h"
#include "runtime/circuit_breaker.h"
#include "runtime/retry_policy.h"

namespace triune::runtime {

struct GuardSettings {
  std::string node;                  ///< Name of the node in the breakers' names. Holds no password.
  CircuitBreaker::Settings breaker;  ///< Of both roles; `name` is filled in.
  RetryPolicy::Settings retry;       ///< Of `write`.
  /// Waiting in vain for a connection counts as a failure only after so long: callers in a hurry blame nobody.
  std::chrono::milliseconds patience{1'000};
};

/// What tests put in place of clock, chance and sleep.
struct GuardSurroundings {
  CircuitBreaker::Now now = &CircuitBreaker::Clock::now;
  RandomSource random = random_source();
  std::function<void(std::chrono::milliseconds)> sleep;  ///< Empty: sleeps.
};

/// Forwards every call to `store`, each through the breaker of its role ("NODE/read", "NODE/write"). While a breaker is
/// open its calls fail at once with `unavailable` (safe). Failures are errors whose connection is not usable, those
/// that are `unavailable`, and a wait for a connection that ended without one; a slow or wrong statement is none.
/// `write` is repeated after `safe` errors as the retry policy allows; an outcome that is unknown is passed on, since
/// only the caller knows whether the request carries an idempotency key (RetryPolicy::run). `statistics`, `health` and
/// `checkpoint` are never refused. Any thread; owns `store`.
std::unique_ptr<contract::RelationalStore> guard(std::unique_ptr<contract::RelationalStore> store,
                                                 const GuardSettings& settings);
std::unique_ptr<contract::RelationalStore> guard(std::unique_ptr<contract::RelationalStore> store,
                                                 const GuardSettings& settings, const GuardSurroundings& surroundings);

}  // namespace triune::runtime
