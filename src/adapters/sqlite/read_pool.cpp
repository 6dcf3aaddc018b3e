#include "adapters/sqlite/read_pool.h"

#include <algorithm>

#include "adapters/sqlite/sqlite_error.h"
#include "base/try.h"

namespace triune::adapters::sqlite {

ReadLease::ReadLease(ReadPool& pool, std::unique_ptr<Connection> connection)
    : pool_(&pool), connection_(std::move(connection)) {}

ReadLease::~ReadLease() {
  if (connection_ == nullptr) return;
  if (!usable_) connection_.reset();
  pool_->give_back(std::move(connection_));
}

ReadPool::~ReadPool() {
  std::unique_lock lock(mutex_);
  returned_.wait(lock, [this] { return lent_ == 0 && waiters_.empty(); });
}

Result<ReadLease> ReadPool::take(bool schema_trusted, Deadline deadline) {
  TRIUNE_TRY(wait_for_place(deadline));
  auto connection = pick_idle(schema_trusted);
  if (connection == nullptr) {
    auto opened = Connection::open(options_);
    if (!opened) {
      give_back(nullptr);
      return failure_of(opened);
    }
    connection = std::move(*opened);
  }
  connection->set_schema_trusted(schema_trusted);
  return ReadLease(*this, std::move(connection));
}

std::unique_ptr<Connection> ReadPool::pick_idle(bool schema_trusted) {
  const std::scoped_lock lock(mutex_);
  if (idle_.empty()) return nullptr;
  const auto fitting = std::find_if(idle_.rbegin(), idle_.rend(),
                                    [&](const auto& each) { return each->schema_trusted() == schema_trusted; });
  const auto chosen = fitting == idle_.rend() ? std::prev(idle_.end()) : std::prev(fitting.base());
  auto connection = std::move(*chosen);
  idle_.erase(chosen);
  return connection;
}

Status ReadPool::wait_for_place(Deadline deadline) {
  std::unique_lock lock(mutex_);
  if (places_ > 0 && waiters_.empty()) {
    --places_;
    ++lent_;
    return {};
  }
  Waiter waiter;
  waiters_.push_back(&waiter);
  const auto served = [&waiter] { return waiter.served; };
  if (!deadline.is_bounded()) {
    waiter.called.wait(lock, served);
  } else if (!waiter.called.wait_until(lock, deadline.at(), served)) {
    std::erase(waiters_, &waiter);
    returned_.notify_all();
    return refuse(ErrorCode::deadline_exceeded, "every reading connection was in use until the deadline", Retry::safe);
  }
  return {};
}

void ReadPool::give_back(std::unique_ptr<Connection> connection) {
  const std::scoped_lock lock(mutex_);
  if (connection != nullptr) idle_.push_back(std::move(connection));
  if (!waiters_.empty()) {
    // The place goes straight to the first in line, so that nobody overtakes.
    waiters_.front()->served = true;
    waiters_.front()->called.notify_one();
    waiters_.pop_front();
    return;
  }
  ++places_;
  --lent_;
  returned_.notify_all();
}

}  // namespace triune::adapters::sqlite
