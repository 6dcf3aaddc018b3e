// A pool of connections, as an adapter sees it: the adapter knows how to connect, `runtime` how to pool, and whoever
// opens an engine brings them together (`EngineOptions::make_pool`).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <string>

#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::contract {

/// One connection that a pool keeps. In the use of one thread at a time.
class PooledConnection {
 public:
  virtual ~PooledConnection() = default;  ///< Closes it; does not wait for the other side.

  /// Whether it may be lent again, from what is known here: no I/O. A socket the other side has closed shows.
  [[nodiscard]] virtual bool usable() = 0;
  /// Asks the other side; for connections that were idle for long. Errors: any; the connection is then closed.
  virtual Status validate(Deadline deadline) = 0;
  /// What it was last set up for; a pool prefers idle connections whose preparation equals the one asked for.
  [[nodiscard]] virtual std::uint32_t preparation() const = 0;
};

/// Makes one connection; called by the pool's own thread, never by a waiter. May block until `deadline`.
using Connector = std::function<Result<std::unique_ptr<PooledConnection>>(Deadline deadline)>;

/// Bounds of a pool. `runtime/profiles.h` has those of development, staging and production.
struct PoolSettings {
  std::string name;              ///< In metrics and messages: "read", "write".
  std::uint32_t smallest = 0;    ///< Connections kept even when idle.
  std::uint32_t largest = 4;     ///< Connections at most; the adaptive size moves between the two.
  std::uint32_t queue = 10'000;  ///< Waiters at most; beyond it `take` fails at once.
  std::chrono::milliseconds connect_timeout{5'000};
  std::chrono::milliseconds validate_after{30'000};  ///< Idle for longer: asked before it is lent.
  std::chrono::milliseconds idle_timeout{600'000};   ///< Idle for longer: closed, down to `smallest`.
  std::chrono::milliseconds lifetime{1'800'000};     ///< Older: closed when it comes back, 10 % jitter.
  std::chrono::milliseconds leak_after{60'000};      ///< Lent for longer: counted and named as leaked. 0: never.
};

/// What a pool did and does.
struct PoolStatistics {
  std::string name;
  std::uint32_t size = 0;    ///< Connections open.
  std::uint32_t active = 0;  ///< Lent out.
  std::uint32_t idle = 0;
  std::uint32_t waiting = 0;  ///< Callers in the queue.
  std::uint32_t target = 0;   ///< Size the pool would have now, between its bounds.
  std::uint64_t taken = 0;
  std::uint64_t connects = 0;
  std::uint64_t connect_errors = 0;
  std::uint64_t evicted = 0;      ///< Closed as unusable.
  std::uint64_t rejected = 0;     ///< The queue was full.
  std::uint64_t timeouts = 0;     ///< The deadline passed in the queue.
  std::uint64_t leaks = 0;        ///< Lent for longer than `leak_after`, now.
  std::string oldest_borrower;    ///< Place of the one lent for longest, "file:line function"; empty when none is.
  std::uint64_t wait_p50_us = 0;  ///< Microseconds in the queue, over the last takes.
  std::uint64_t wait_p99_us = 0;
  double utilisation = 0;  ///< Share of `largest` lent out, over the last minute.
};

/// Connections lent out in the order of asking. Every method from any thread.
class ConnectionPool {
 public:
  virtual ~ConnectionPool() = default;  ///< Waits until every connection is back, then closes all.

  /// A connection out of the pool; goes back on destruction, at latest before the pool is destroyed.
  class Lease {
   public:
    Lease() = default;
    Lease(ConnectionPool* pool, std::unique_ptr<PooledConnection> connection)
        : pool_(pool), connection_(std::move(connection)) {}
    Lease(Lease&& other) noexcept : pool_(other.pool_), connection_(std::move(other.connection_)) {}
    Lease& operator=(Lease&& other) noexcept {
      if (this != &other) {
        give_back();
        pool_ = other.pool_;
        connection_ = std::move(other.connection_);
      }
      return *this;
    }
    ~Lease() { give_back(); }
    [[nodiscard]] PooledConnection* get() const { return connection_.get(); }

   private:
    void give_back() {
      if (connection_ != nullptr) pool_->put_back(std::move(connection_));
    }
    ConnectionPool* pool_ = nullptr;
    std::unique_ptr<PooledConnection> connection_;
  };

  /// Blocks until a connection is free, first come, first served; never for a connect alone when another comes back
  /// first. Errors: `deadline_exceeded` (safe), `resource_exhausted` (queue full; safe), `unavailable` when no
  /// connection can be made (with the reason of the last attempt; safe).
  virtual Result<Lease> take(std::uint32_t preparation, Deadline deadline,
                             std::source_location place = std::source_location::current()) = 0;
  /// Closes idle connections now and lent ones when they come back: the server changed its role or went away.
  virtual void evict_all() = 0;
  [[nodiscard]] virtual PoolStatistics statistics() const = 0;

 protected:
  friend class Lease;
  virtual void put_back(std::unique_ptr<PooledConnection> connection) = 0;
};

using PoolFactory = std::function<std::unique_ptr<ConnectionPool>(PoolSettings settings, Connector connector)>;

}  // namespace triune::contract
