// A counting gate in the order of arrival.
//
// The store has two: one of a single place for the writer, one of as many places as there are reading sessions. Whoever
// takes all places of the second stands alone, which is what a checkpoint of Kuzu needs (it waits for every transaction
// to leave, and reports errors for commits that happened when one does not).
//
// Invariants: (1) places handed out never exceed the total; (2) who came first is served first, so a large request is
// not starved by small ones; (3) at most `longest_queue` wait.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <list>
#include <mutex>
#include <utility>

#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

class Turnstile {
 public:
  static constexpr std::size_t longest_queue = 1024;

  /// Places taken; given back by the destructor.
  class Pass {
   public:
    Pass() = default;
    Pass(Turnstile& gate, std::size_t places) : gate_(&gate), places_(places) {}
    Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)), places_(other.places_) {}
    Pass& operator=(Pass&& other) noexcept {
      std::swap(gate_, other.gate_);
      std::swap(places_, other.places_);
      return *this;
    }
    ~Pass() {
      if (gate_ != nullptr) gate_->give_back(places_);
    }

   private:
    Turnstile* gate_ = nullptr;
    std::size_t places_ = 0;
  };

  explicit Turnstile(std::size_t total) : total_(total), free_(total) {}

  [[nodiscard]] std::size_t total() const { return total_; }

  /// Blocks until `places` (at most the total) are free and nobody waits in front. Errors: `deadline_exceeded`,
  /// `resource_exhausted` (the queue is full); both `safe`.
  Result<Pass> enter(std::size_t places, Deadline deadline);

 private:
  struct Waiter {
    std::size_t places = 0;
    bool served = false;
    std::condition_variable wake;
  };

  void give_back(std::size_t places);
  void serve();  // with mutex_ held

  const std::size_t total_;
  std::mutex mutex_;
  std::size_t free_;
  std::list<Waiter*> waiters_;
};

}  // namespace triune::adapters::kuzu
