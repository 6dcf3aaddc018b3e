#include "adapters/kuzu/turnstile.h"

#include <cassert>

#include "adapters/kuzu/kuzu_error.h"

namespace triune::adapters::kuzu {

Result<Turnstile::Pass> Turnstile::enter(std::size_t places, Deadline deadline) {
  assert(places <= total_);
  std::unique_lock lock(mutex_);
  if (waiters_.empty() && free_ >= places) {
    free_ -= places;
    return Pass(*this, places);
  }
  if (waiters_.size() >= longest_queue)
    return kuzu_failure(ErrorCode::resource_exhausted, "too many calls wait for the graph engine; try again later",
                        Retry::safe);
  Waiter waiter{.places = places, .served = false, .wake = {}};
  const auto self = waiters_.insert(waiters_.end(), &waiter);
  const auto served = [&] { return waiter.served; };
  if (deadline.is_bounded())
    waiter.wake.wait_until(lock, deadline.at(), served);
  else
    waiter.wake.wait(lock, served);
  if (waiter.served) return Pass(*this, places);
  waiters_.erase(self);
  serve();  // those behind may fit where this one did not
  return kuzu_failure(ErrorCode::deadline_exceeded, "the deadline passed while waiting for the graph engine",
                      Retry::safe);
}

void Turnstile::give_back(std::size_t places) {
  const std::scoped_lock lock(mutex_);
  free_ += places;
  serve();
}

void Turnstile::serve() {
  while (!waiters_.empty() && waiters_.front()->places <= free_) {
    auto* waiter = waiters_.front();
    waiters_.pop_front();
    free_ -= waiter->places;
    waiter->served = true;
    waiter->wake.notify_one();
  }
}

}  // namespace triune::adapters::kuzu
