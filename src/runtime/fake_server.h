// A server for tests of the pool: counts what is open, and connects, validates and dies as it is told.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "contract/connection_pool.h"

namespace triune::runtime {

/// Outlives its connections. Any thread.
class FakeServer {
 public:
  class Connection final : public contract::PooledConnection {
   public:
    Connection(FakeServer& server, int number) : server_(server), number_(number) { server_.opened(); }
    ~Connection() override { --server_.open; }
    [[nodiscard]] bool usable() override { return !broken && number_ > server_.dead_up_to; }
    Status validate(Deadline) override {
      ++server_.validations;
      if (server_.answers && usable()) return {};
      return failure(ErrorCode::unavailable, "the server does not answer");
    }
    [[nodiscard]] std::uint32_t preparation() const override { return prepared; }
    [[nodiscard]] int number() const { return number_; }

    std::atomic<bool> broken = false;
    std::uint32_t prepared = 0;
    std::atomic<int> users = 0;

   private:
    FakeServer& server_;
    const int number_;
  };

  contract::Connector connector() {
    return [this](Deadline) { return connect(); };
  }

  static Connection& of(const contract::ConnectionPool::Lease& lease) { return static_cast<Connection&>(*lease.get()); }

  /// All connections so far are dead, as after a restart.
  void restart() { dead_up_to = connects.load(); }
  /// Holds connects until `let_connect`.
  void hold_connects() { set_held(true); }
  void let_connect() { set_held(false); }

  std::atomic<int> connects = 0;  ///< Those that succeeded.
  std::atomic<int> attempts = 0;
  std::atomic<int> open = 0;
  std::atomic<int> most_open = 0;
  std::atomic<int> validations = 0;
  std::atomic<int> dead_up_to = 0;
  std::atomic<int> refusals = 0;  ///< So many connects fail.
  std::atomic<ErrorCode> refusal = ErrorCode::unavailable;
  std::atomic<bool> answers = true;
  std::chrono::milliseconds connect_time{0};

 private:
  Result<std::unique_ptr<contract::PooledConnection>> connect() {
    ++attempts;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !held_; });
    }
    if (connect_time.count() > 0) std::this_thread::sleep_for(connect_time);
    if (refusals > 0) {
      --refusals;
      return failure(refusal, "refused by the server");
    }
    return std::make_unique<Connection>(*this, ++connects);
  }

  void opened() {
    const int now = ++open;
    for (int most = most_open; now > most && !most_open.compare_exchange_weak(most, now);) {
    }
  }

  void set_held(bool held) {
    const std::scoped_lock lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
};

}  // namespace triune::runtime
