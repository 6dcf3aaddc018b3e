// The pool itself; others see it as contract::ConnectionPool through connection_pool.h.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <thread>

#include "contract/connection_pool.h"
#include "runtime/pool_members.h"
#include "runtime/pool_meter.h"
#include "runtime/pool_sizer.h"
#include "runtime/storm_guard.h"

namespace triune::runtime {

/// Callers' half in connection_pool.cpp, the keeper's in pool_keeper.cpp. Invariants and states in connection_pool.h.
class Pool final : public contract::ConnectionPool {
 public:
  using Clock = std::chrono::steady_clock;

  Pool(contract::PoolSettings settings, contract::Connector connector, StormGuard::Settings storm);
  ~Pool() override;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  Result<Lease> take(std::uint32_t preparation, Deadline deadline, std::source_location place) override;
  void evict_all() override;
  [[nodiscard]] contract::PoolStatistics statistics() const override;

 private:
  /// Lives on the stack of a caller in `take`.
  struct Waiter {
    Clock::time_point since;
    std::source_location place;
    std::condition_variable called;
    std::unique_ptr<contract::PooledConnection> connection;
    std::optional<Error> error;
    [[nodiscard]] bool is_answered() const { return connection != nullptr || error.has_value(); }
  };
  using Lock = std::unique_lock<std::mutex>;

  void put_back(std::unique_ptr<contract::PooledConnection> connection) override;
  std::unique_ptr<contract::PooledConnection> take_idle(std::uint32_t preparation, const std::source_location& place,
                                                        Lock& lock);
  Result<std::unique_ptr<contract::PooledConnection>> wait_in_line(Deadline deadline, const std::source_location& place,
                                                                   Lock& lock);
  std::unexpected<Error> give_up(std::list<Waiter*>::iterator place_in_line);
  /// Whether trying again is pointless until someone mends the configuration or the store.
  static bool is_lasting(const Error& error);
  [[nodiscard]] Error refusal(Clock::time_point now) const;
  [[nodiscard]] bool is_worth_keeping(const PoolMember& member, Clock::time_point now) const;

  /// To the first waiter, or to the idle ones.
  void deliver(PoolMembers::List& member, Clock::time_point now);
  /// Closes connections that are in nobody's list, without the lock.
  void close(PoolMembers::List& members, Lock& lock);
  void answer_all(const Error& error);
  /// Nothing is open and no connect may be made: no waiter will be served soon (P5).
  void answer_if_hopeless(Clock::time_point now);
  void lent_changed(Clock::time_point now);

  // The keeper's.
  void keep();
  [[nodiscard]] Clock::time_point due(Clock::time_point now) const;
  void step(Clock::time_point now, Lock& lock);
  void maintain(Clock::time_point now, Lock& lock);
  void revive(Clock::time_point now, Lock& lock);
  void connect(Lock& lock);
  void connected(std::unique_ptr<contract::PooledConnection> connection, std::uint64_t generation, Lock& lock);
  void connect_failed(Error error);
  /// Wakes the keeper when it sleeps for longer than it may.
  void wake_keeper(Clock::time_point now);

  const contract::PoolSettings settings_;
  const contract::Connector connector_;
  const RandomSource random_ = random_source();  ///< The keeper's.

  mutable std::mutex mutex_;  ///< Guards what follows.
  std::condition_variable keeper_called_;
  std::condition_variable left_;
  PoolMembers members_{settings_};
  std::list<Waiter*> waiters_;
  StormGuard guard_;
  PoolSizer sizer_{settings_.smallest, settings_.largest, Clock::now()};
  WaitReservoir waits_;
  UtilisationMeter utilisation_{Clock::now()};
  contract::PoolStatistics counted_;
  std::uint64_t generation_ = 0;
  std::uint64_t inside_ = 0;  ///< Callers in `take` (P6).
  bool stopping_ = false;
  Clock::time_point next_maintenance_ = Clock::now();
  Clock::time_point keeper_sleeps_until_ = Clock::time_point::min();  ///< The smallest value while it works.

  std::thread keeper_;
};

}  // namespace triune::runtime
