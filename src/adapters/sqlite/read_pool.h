// The reading connections, lent out in the order of asking.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "adapters/sqlite/connection.h"
#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::adapters::sqlite {

class ReadPool;

/// A connection out of the pool; goes back on destruction.
class ReadLease {
 public:
  ReadLease(ReadPool& pool, std::unique_ptr<Connection> connection);
  ReadLease(ReadLease&&) = default;
  ReadLease& operator=(ReadLease&&) = delete;
  ~ReadLease();
  Connection& operator*() const { return *connection_; }
  Connection* operator->() const { return connection_.get(); }
  /// The connection failed: close it instead of lending it again.
  void discard() { usable_ = false; }

 private:
  ReadPool* pool_;
  std::unique_ptr<Connection> connection_;
  bool usable_ = true;
};

/// At most `size` connections, opened when first needed. Any thread may ask; the first to ask is the first to get one.
class ReadPool {
 public:
  ReadPool(ConnectionOptions options, std::size_t size) : options_(std::move(options)), places_(size) {}
  /// Waits until every connection is back.
  ~ReadPool();
  ReadPool(const ReadPool&) = delete;
  ReadPool& operator=(const ReadPool&) = delete;

  /// Blocks until a connection is free; it trusts the schema or not as asked. Errors: `deadline_exceeded` (safe to
  /// retry), those of opening.
  Result<ReadLease> take(bool schema_trusted, Deadline deadline);

 private:
  friend class ReadLease;
  struct Waiter {
    std::condition_variable called;
    bool served = false;
  };

  Status wait_for_place(Deadline deadline);
  /// An idle connection, rather one whose statements need not be compiled again; null when there is none.
  std::unique_ptr<Connection> pick_idle(bool schema_trusted);
  /// `connection` is null when it was not usable.
  void give_back(std::unique_ptr<Connection> connection);

  const ConnectionOptions options_;
  std::mutex mutex_;
  std::condition_variable returned_;
  std::size_t places_;  ///< Connections that may still be lent out.
  std::size_t lent_ = 0;
  std::deque<Waiter*> waiters_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

}  // namespace triune::adapters::sqlite
