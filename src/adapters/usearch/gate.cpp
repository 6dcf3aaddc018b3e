#include "adapters/usearch/gate.h"

#include <cassert>
#include <numeric>

namespace triune::adapters::usearch {

Gate::Gate(std::uint32_t seats) : free_seats_(seats), seats_(seats) {
  assert(seats > 0);
  std::iota(free_seats_.rbegin(), free_seats_.rend(), 0U);  // seat 0 is taken first, so that few scratch spaces grow
}

bool Gate::try_grant(Waiter& waiter) {
  if (writing_) return false;
  if (waiter.writer) {
    if (free_seats_.size() != seats_) return false;
    writing_ = true;
  } else {
    if (free_seats_.empty()) return false;
    waiter.seat = free_seats_.back();
    free_seats_.pop_back();
  }
  waiter.granted = true;
  return true;
}

void Gate::admit() {
  while (!queue_.empty() && try_grant(*queue_.front())) {
    queue_.front()->wake.notify_one();
    queue_.pop_front();
  }
}

std::optional<std::uint32_t> Gate::enter(Deadline deadline) {
  std::unique_lock lock(mutex_);
  Waiter self;
  if (queue_.empty() && try_grant(self)) return self.seat;
  const auto place = queue_.insert(queue_.end(), &self);
  const auto granted = [&self] { return self.granted; };
  if (!deadline.is_bounded()) {
    self.wake.wait(lock, granted);
  } else if (!self.wake.wait_until(lock, deadline.at(), granted)) {
    queue_.erase(place);
    admit();  // whoever came after may have waited for this one only
    return std::nullopt;
  }
  return self.seat;
}

void Gate::leave(std::uint32_t seat) {
  const std::scoped_lock lock(mutex_);
  assert(!writing_);
  free_seats_.push_back(seat);
  admit();
}

void Gate::close() {
  std::unique_lock lock(mutex_);
  Waiter self;
  self.writer = true;
  if (queue_.empty() && try_grant(self)) return;
  queue_.push_back(&self);
  self.wake.wait(lock, [&self] { return self.granted; });
}

void Gate::open() {
  const std::scoped_lock lock(mutex_);
  assert(writing_);
  writing_ = false;
  admit();
}

}  // namespace triune::adapters::usearch
