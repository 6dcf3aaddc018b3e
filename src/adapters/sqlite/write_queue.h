// Those who wait for the writer, first come, first served.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "contract/relational_store.h"
#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::adapters::sqlite {

class Connection;

/// One request to the writer. Lives on the stack of the thread that waits for it.
///
///   waiting --pop--> begun --finish--> finished        waiting --deadline--> withdrawn
class WriteRequest {
 public:
  enum class Kind : std::uint8_t {
    job,          ///< Runs in a group, in a savepoint of its own.
    transaction,  ///< Wants the connection with a transaction begun.
    maintenance,  ///< Runs alone, outside a transaction.
  };

  WriteRequest(Kind kind, Deadline deadline) : kind_(kind), deadline_(deadline) {}

  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const Deadline& deadline() const { return deadline_; }

  const contract::WriteJob* job = nullptr;         ///< For `job`.
  std::function<Status(Connection&)> maintenance;  ///< For `maintenance`.
  Connection* connection = nullptr;                ///< Out, for `transaction`.

 private:
  friend class WriteQueue;
  /// Belongs to the waiting thread and outlives the request, so that the writer can ring after it has let go of the
  /// mutex: ringing under the mutex would wake the thread only to block it again.
  struct Bell {
    std::mutex mutex;
    std::condition_variable rings;
  };
  static std::shared_ptr<Bell> bell_of_this_thread();

  Kind kind_;
  Deadline deadline_;
  std::shared_ptr<Bell> bell_ = bell_of_this_thread();
  bool finished_ = false;  ///< Guarded by the bell's mutex, like the result.
  Status result_;
};

/// Bounded FIFO. Any thread may submit; one thread, the writer, takes out.
class WriteQueue {
 public:
  explicit WriteQueue(std::size_t capacity) : capacity_(capacity) {}

  /// Queues `request` and blocks until the writer has finished it. A request that has not been begun at its deadline is
  /// withdrawn. Errors: `resource_exhausted` when the queue is full, `deadline_exceeded` or `unavailable` (while
  /// another program holds the database) when withdrawn, `cancelled` after `close`; all safe to retry. Otherwise the
  /// writer's answer.
  Status submit(WriteRequest& request);

  /// For the writer: blocks until a request waits and tells its kind; nothing once closed and empty. The request may be
  /// withdrawn before it is popped.
  std::optional<WriteRequest::Kind> wait();
  /// For the writer: takes the first request out if it is of `kind`; nullptr otherwise. The request is then begun.
  WriteRequest* pop(WriteRequest::Kind kind);
  /// For the writer: answers a begun request, which must not be touched afterwards.
  static void finish(WriteRequest& request, Status result);
  /// Why requests do not move.
  enum class Obstacle : std::uint8_t { none, other_program, transaction };
  /// For the writer: tells those that give up what they waited for.
  void set_obstacle(Obstacle obstacle);

  /// No more requests; those that wait are still served.
  void close();
  [[nodiscard]] std::size_t size() const;

 private:
  Status enqueue(WriteRequest& request);
  /// Takes `request` out if it still waits.
  bool withdraw(WriteRequest& request);
  std::unexpected<Error> gave_up() const;

  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable filled_;
  std::deque<WriteRequest*> waiting_;
  Obstacle obstacle_ = Obstacle::none;
  bool closed_ = false;
};

}  // namespace triune::adapters::sqlite
