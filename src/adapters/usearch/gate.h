// Many readers or one writer, first come first served, with a deadline for readers and a seat number for each.
//
// usearch needs an exclusive writer and gives every concurrent search a numbered scratch space; std::shared_mutex has
// neither numbers nor fairness, so a steady stream of searches would starve the writer.
//
// Invariants
//  1. writing_ implies seats_taken_ == 0.
//  2. Waiters are admitted in the order they came; a reader never passes a waiting writer.
//  3. A waiter is in `queue_` exactly while it is not granted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <vector>

#include "triune/deadline.h"

namespace triune::adapters::usearch {

/// Thread rule: any thread. Not recursive: one thread holds at most one seat or the whole.
class Gate {
 public:
  explicit Gate(std::uint32_t seats);

  /// Takes a seat, a number below the count given to the constructor; empty when the deadline passed first.
  std::optional<std::uint32_t> enter(Deadline deadline);
  void leave(std::uint32_t seat);
  /// Waits until everyone has left and keeps everyone out.
  void close();
  void open();

 private:
  struct Waiter {
    bool writer = false;
    bool granted = false;
    std::uint32_t seat = 0;
    std::condition_variable wake;
  };

  bool try_grant(Waiter& waiter);
  void admit();

  std::mutex mutex_;
  std::list<Waiter*> queue_;
  std::vector<std::uint32_t> free_seats_;
  std::uint32_t seats_ = 0;
  bool writing_ = false;
};

/// A seat for the length of a scope.
class Seat {
 public:
  Seat(Gate& gate, Deadline deadline) : gate_(gate), number_(gate.enter(deadline)) {}
  Seat(const Seat&) = delete;
  Seat& operator=(const Seat&) = delete;
  ~Seat() {
    if (number_) gate_.leave(*number_);
  }
  explicit operator bool() const { return number_.has_value(); }
  [[nodiscard]] std::uint32_t number() const { return *number_; }

 private:
  Gate& gate_;
  std::optional<std::uint32_t> number_;
};

/// The whole gate for the length of a scope.
class Closed {
 public:
  explicit Closed(Gate& gate) : gate_(gate) { gate_.close(); }
  Closed(const Closed&) = delete;
  Closed& operator=(const Closed&) = delete;
  ~Closed() { gate_.open(); }

 private:
  Gate& gate_;
};

}  // namespace triune::adapters::usearch
