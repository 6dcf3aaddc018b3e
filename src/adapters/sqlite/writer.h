// The one thread that writes: it groups waiting jobs into durable transactions.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "adapters/sqlite/connection.h"
#include "adapters/sqlite/write_queue.h"
#include "contract/relational_store.h"

namespace triune::adapters::sqlite {

/// Invariants
///   W1 A job that was answered with success is in a transaction whose COMMIT returned success (I1).
///   W2 A job that failed left nothing behind: it ran in a savepoint of its own, or first in its transaction, or its
///      whole group was undone and the others of the group ran again.
///   W3 When COMMIT fails, every job of the group whose changes it held is answered with `outcome_unknown` (I11).
///   W4 A connection whose COMMIT failed is never used again. Its successor is opened before it is closed, so that the
///      shared wal-index stays alive and nobody recovers the frames of the failed commit.
///   W5 Nobody is answered from a group before its COMMIT: a refusal may rest on rows that only the group holds.
///
///   idle --request--> begun --jobs--> committing --ok--> answered --log long--> checkpoint --> idle
///                       |  ^ run again    |
///                       +--+ (undone)     +--failed--> answered, connection replaced --> idle
///   idle --transaction--> handed over --given back--> idle
class Writer {
 public:
  struct Options {
    ConnectionOptions connection;
    std::size_t queue_capacity = 4096;
    std::size_t group_jobs = 256;                  ///< Most jobs in one group.
    std::chrono::microseconds group_time{20'000};  ///< No further job joins a group after this time.
    int checkpoint_frames = 4096;                  ///< The log is moved into the file from this length on.
  };

  static Result<std::unique_ptr<Writer>> open(const Options& options);
  /// Serves what waits, then closes.
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Status run(const contract::WriteJob& job, Deadline deadline);
  Result<std::unique_ptr<contract::RelationalTransaction>> begin(Deadline deadline);
  /// Moves the log into the file as far as readers allow, and empties it if none is in the way.
  Status checkpoint(Deadline deadline);

  [[nodiscard]] std::uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t groups() const { return groups_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t log_frames() const { return log_frames_.load(std::memory_order_relaxed); }
  /// Why the writer has no usable connection; empty when it has one.
  [[nodiscard]] std::string trouble() const;

 private:
  friend class Transaction;
  struct Begun {
    WriteRequest* request;
    Status status;
  };

  Writer(const Options& options, std::unique_ptr<Connection> connection);
  void loop();
  /// What is to be done next; nothing once the queue is closed and empty.
  std::optional<WriteRequest::Kind> next_kind();
  void serve_group();
  void serve_transaction();
  void serve_maintenance();
  /// Answers the first request of `kind`, if there is one, with an error.
  void refuse_first(WriteRequest::Kind kind, const Error& error);
  /// Makes sure of a usable connection (W4).
  Status ensure_connection();
  /// BEGIN IMMEDIATE; false when another program still holds the database.
  Result<bool> begin_transaction();
  /// Runs jobs, each in its savepoint, until none waits or a bound is reached.
  std::vector<Begun> run_group();
  /// The first job of a group needs no savepoint: `alone`, its failure undoes the transaction. A bulk load is spared
  /// the copies of every page it changes.
  Status run_job(WriteRequest& request, bool alone);
  Status call_job(WriteRequest& request);
  /// Undoes a failed job; if that cannot be, its group (W2).
  void undo_job(const Error& error, bool alone);
  /// After the engine ended the transaction: the jobs of the group that had succeeded will run again (W2).
  void take_back(std::vector<Begun>& group);
  /// While another program holds the database: answers jobs that were to run again and have no time left.
  void give_up_expired();
  WriteRequest* next_job();
  void commit_group(std::vector<Begun>& group);
  void checkpoint_if_long();
  Status commit(Connection& connection);
  /// From the thread that had the connection.
  void give_back();

  const Options options_;
  WriteQueue queue_;
  std::unique_ptr<Connection> connection_;
  bool broken_ = false;              ///< The connection must be replaced.
  std::deque<WriteRequest*> again_;  ///< Begun jobs that run again, before the queue's.
  int checkpoint_at_ = 0;

  mutable std::mutex mutex_;  ///< Guards what follows.
  std::condition_variable given_back_;
  bool handed_over_ = false;
  std::string trouble_;

  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> groups_{0};
  std::atomic<std::uint64_t> log_frames_{0};
  std::thread thread_;
};

}  // namespace triune::adapters::sqlite
