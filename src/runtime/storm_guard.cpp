#include "runtime/storm_guard.h"

#include <utility>

namespace triune::runtime {

void StormGuard::failed(Error reason, Clock::time_point now) {
  // A pause that ended long ago does not make a new outage begin at its length.
  const auto since = next_ > last_ ? next_ : last_;
  if (errors_ > 0 && now - since > settings_.window) errors_ = 0;
  ++errors_;
  last_ = now;
  reason_ = std::move(reason);
  next_ = errors_ < settings_.errors ? Clock::time_point::min()
                                     : now + settings_.pauses.equal_jitter(errors_ - settings_.errors, random_());
}

void StormGuard::succeeded() {
  errors_ = 0;
  next_ = Clock::time_point::min();
}

}  // namespace triune::runtime
