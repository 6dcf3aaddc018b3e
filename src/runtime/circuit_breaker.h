// Stops asking a store that fails, so that callers learn it at once and the store can recover.
//
//                 share of failures in the window reached, or too many in a row
//        closed ---------------------------------------------------------------> open <----------------+
//          ^                                                                       |                   |
//          |                                                  its time has passed  |                   | a probe fails:
//          |                                                  and a call comes     v                   | open longer
//          +------------------- enough probes succeed ------------------------ half open --------------+
//
// Invariants
//   C1  While open no call passes; while half open at most `probes` are out at once.
//   C2  A result counts only in the state its call was let through in: what began before the breaker opened neither
//       opens it again nor closes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "contract/relational_store.h"
#include "runtime/backoff.h"
#include "triune/status.h"

namespace triune::runtime {

/// One for each node and role. Any thread; must outlive its permits.
class CircuitBreaker {
 public:
  using Clock = std::chrono::steady_clock;
  using Now = std::function<Clock::time_point()>;
  using State = contract::BreakerStatistics::State;

  struct Settings {
    std::string name;                ///< "node/role", in messages and metrics.
    std::uint32_t window = 100;      ///< So many of the last calls are looked at.
    std::uint32_t least_calls = 20;  ///< With fewer in the window their share says nothing.
    double failure_share = 0.5;      ///< Opens when so many of the window failed.
    std::uint32_t in_a_row = 5;      ///< Opens after so many failures without a success between.
    std::uint32_t probes = 3;        ///< Calls let through at once while half open; so many successes close it.
    /// How long it stays open, longer each time a probe fails, with jitter.
    Backoff open_for{.first = std::chrono::milliseconds(500), .longest = std::chrono::milliseconds(2'000)};
  };

  /// Leave to make one call. Says how it went, or nothing, if it never reached the store; once.
  class Permit {
   public:
    Permit(CircuitBreaker& breaker, std::uint64_t epoch) : breaker_(&breaker), epoch_(epoch) {}
    Permit(Permit&& other) noexcept : breaker_(std::exchange(other.breaker_, nullptr)), epoch_(other.epoch_) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() { finish(Outcome::none, nullptr); }
    void succeeded() { finish(Outcome::success, nullptr); }
    void failed(const Error& reason) { finish(Outcome::failure, &reason); }

   private:
    friend class CircuitBreaker;
    enum class Outcome : std::uint8_t { none, success, failure };
    void finish(Outcome outcome, const Error* reason) {
      if (breaker_ != nullptr) std::exchange(breaker_, nullptr)->finished(epoch_, outcome, reason);
    }
    CircuitBreaker* breaker_;
    std::uint64_t epoch_;
  };

  explicit CircuitBreaker(Settings settings) : CircuitBreaker(std::move(settings), &Clock::now, random_source()) {}
  CircuitBreaker(Settings settings, Now now, RandomSource random);

  /// Leave for one call; never blocks. Error: `unavailable` (safe), saying since when, why and when it is tried again.
  Result<Permit> admit();
  [[nodiscard]] contract::BreakerStatistics statistics() const;

 private:
  void finished(std::uint64_t epoch, Permit::Outcome outcome, const Error* reason);
  void record(bool failed);
  [[nodiscard]] bool must_open() const;
  void open();
  void enter(State state);
  [[nodiscard]] std::unexpected<Error> refusal(Clock::time_point now) const;

  const Settings settings_;
  const Now now_;
  mutable std::mutex mutex_;  ///< Guards what follows.
  RandomSource random_;
  State state_ = State::closed;
  std::uint64_t epoch_ = 0;     ///< Of the state in force (C2).
  std::vector<bool> failed_;    ///< The last calls, a ring.
  std::size_t next_ = 0;        ///< Place of the next in it.
  std::uint32_t recorded_ = 0;  ///< Used places of it.
  std::uint32_t failures_ = 0;  ///< Failed ones in it.
  std::uint32_t failures_in_row_ = 0;
  std::uint32_t openings_ = 0;  ///< Since it was closed last.
  std::uint32_t probes_out_ = 0;
  std::uint32_t probes_succeeded_ = 0;
  Clock::time_point failing_since_{};  ///< When it left the closed state.
  Clock::time_point open_until_{};
  contract::BreakerStatistics counted_;
};

}  // namespace triune::runtime
