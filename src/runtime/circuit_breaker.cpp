#include "runtime/circuit_breaker.h"

#include <fmt/format.h>

#include <algorithm>

namespace triune::runtime {
namespace {

double seconds(std::chrono::steady_clock::duration duration) {
  return std::max(0.0, std::chrono::duration<double>(duration).count());
}

}  // namespace

CircuitBreaker::CircuitBreaker(Settings settings, Now now, RandomSource random)
    : settings_(std::move(settings)),
      now_(std::move(now)),
      random_(std::move(random)),
      failed_(std::max(settings_.window, 1U)) {}

Result<CircuitBreaker::Permit> CircuitBreaker::admit() {
  const auto now = now_();
  const std::scoped_lock lock(mutex_);
  if (state_ == State::open && now >= open_until_) enter(State::half_open);
  if (state_ == State::open || (state_ == State::half_open && probes_out_ >= settings_.probes)) {
    ++counted_.refused;
    return refusal(now);
  }
  if (state_ == State::half_open) ++probes_out_;
  ++counted_.calls;
  return Permit(*this, epoch_);
}

std::unexpected<Error> CircuitBreaker::refusal(Clock::time_point now) const {
  const auto wait = state_ == State::open ? fmt::format("it is tried again in {:.1f} s", seconds(open_until_ - now))
                                          : std::string("it is being tried just now");
  return std::unexpected(
      Error{.code = ErrorCode::unavailable,
            .message = fmt::format("'{}' has been failing for {:.1f} s and is not asked meanwhile; {}; "
                                   "the last failure was: {}",
                                   settings_.name, seconds(now - failing_since_), wait, counted_.last_reason),
            .engine = {},
            .native_code = {},
            .retry = Retry::safe});
}

void CircuitBreaker::finished(std::uint64_t epoch, Permit::Outcome outcome, const Error* reason) {
  const std::scoped_lock lock(mutex_);
  if (outcome == Permit::Outcome::failure) {
    ++counted_.failures;
    counted_.last_reason = reason->message;
  }
  if (epoch != epoch_) return;
  if (state_ == State::half_open) --probes_out_;
  if (outcome == Permit::Outcome::none) return;
  const bool failed = outcome == Permit::Outcome::failure;
  if (state_ == State::half_open) {
    if (failed)
      open();
    else if (++probes_succeeded_ >= settings_.probes)
      enter(State::closed);
    return;
  }
  record(failed);
  if (failed && must_open()) open();
}

void CircuitBreaker::record(bool failed) {
  if (recorded_ == failed_.size())
    failures_ -= failed_[next_] ? 1 : 0;
  else
    ++recorded_;
  failed_[next_] = failed;
  next_ = (next_ + 1) % failed_.size();
  failures_ += failed ? 1 : 0;
  failures_in_row_ = failed ? failures_in_row_ + 1 : 0;
}

bool CircuitBreaker::must_open() const {
  return failures_in_row_ >= settings_.in_a_row ||
         (recorded_ >= settings_.least_calls && failures_ >= settings_.failure_share * recorded_);
}

void CircuitBreaker::open() {
  const auto now = now_();
  if (state_ == State::closed) failing_since_ = now;
  open_until_ = now + settings_.open_for.equal_jitter(openings_++, random_());
  ++counted_.opened;
  enter(State::open);
}

void CircuitBreaker::enter(State state) {
  state_ = state;
  ++epoch_;
  probes_out_ = probes_succeeded_ = 0;
  if (state != State::closed) return;
  next_ = recorded_ = failures_ = failures_in_row_ = openings_ = 0;
}

contract::BreakerStatistics CircuitBreaker::statistics() const {
  const std::scoped_lock lock(mutex_);
  auto statistics = counted_;
  statistics.name = settings_.name;
  statistics.state = state_;
  return statistics;
}

}  // namespace triune::runtime
