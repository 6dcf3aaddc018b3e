#include "runtime/retry_policy.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace triune::runtime {

RetryPolicy::RetryPolicy(Settings settings)
    : RetryPolicy(settings, {.now = &Clock::now,
                             .random = random_source(),
                             .sleep = [](std::chrono::milliseconds pause) { std::this_thread::sleep_for(pause); }}) {}

RetryPolicy::RetryPolicy(Settings settings, Surroundings surroundings)
    : settings_(settings),
      surroundings_(std::move(surroundings)),
      saved_(std::min(settings.most_saved, 10 * settings.per_second)),
      refilled_(surroundings_.now()) {}

bool RetryPolicy::allows(const Error& error, bool has_idempotency_key) {
  if (error.code == ErrorCode::resource_exhausted || error.code == ErrorCode::cancelled) return false;
  return error.retry == Retry::safe || (error.retry == Retry::outcome_unknown && has_idempotency_key);
}

void RetryPolicy::begin() {
  const std::scoped_lock lock(mutex_);
  ++counts_.calls;
  saved_ = std::min(settings_.most_saved, saved_ + settings_.share);
}

bool RetryPolicy::pause(std::uint32_t attempt, const Error& error, Deadline deadline, bool has_idempotency_key) {
  if (attempt + 1 >= settings_.attempts || !allows(error, has_idempotency_key)) return false;
  const auto length = withdraw(attempt, deadline);
  if (!length) return false;
  surroundings_.sleep(*length);
  return true;
}

std::optional<std::chrono::milliseconds> RetryPolicy::withdraw(std::uint32_t attempt, Deadline deadline) {
  const std::scoped_lock lock(mutex_);
  const auto length = settings_.pauses.full_jitter(attempt, surroundings_.random());
  if (length >= deadline.remaining()) return std::nullopt;
  refill();
  if (saved_ < 1) {
    ++counts_.over_budget;
    return std::nullopt;
  }
  saved_ -= 1;
  ++counts_.repetitions;
  return length;
}

void RetryPolicy::refill() {
  const auto now = surroundings_.now();
  const auto passed = std::chrono::duration<double>(now - refilled_).count();
  saved_ = std::min(settings_.most_saved, saved_ + settings_.per_second * std::max(0.0, passed));
  refilled_ = now;
}

RetryPolicy::Counts RetryPolicy::counts() const {
  const std::scoped_lock lock(mutex_);
  return counts_;
}

}  // namespace triune::runtime
