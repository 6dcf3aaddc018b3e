// Jobs of several callers in one transaction: one BEGIN, one COMMIT, one write of the server's log for all of them.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <source_location>
#include <vector>

#include "adapters/postgres/session.h"
#include "contract/connection_pool.h"
#include "contract/relational_store.h"

namespace triune::adapters::postgres {

/// Some callers lead: they run their own job and those that gathered behind it. Whoever finds no leader missing waits
/// to be served, or to lead next. Invariants:
///
/// G1 A job that was answered with success was in a transaction whose COMMIT returned success (I1).
/// G2 A group that fails is undone whole, and each of its jobs runs by itself; only when nobody knows whether its
///    COMMIT took effect, all are answered with that (I11).
/// G3 A group does not wait for locks, so that no job is held up by what another one waits for.
/// G4 Nobody waits for leaders that are held up: after a moment it leads, however many there are.
///
///   arrives ──a leader is missing──▶ leads ──▶ runs its group ──▶ hands over to who waits longest, or ends
///      └──────▶ waits ──taken──▶ answered, or told to run by itself
///                 └──handed over, or waited too long──▶ leads
///
/// Every call from any thread.
class GroupWriter {
 public:
  GroupWriter(contract::ConnectionPool& connections, const Session::Alarm& alarm)
      : connections_(connections), alarm_(alarm) {}

  /// Runs `job` with those of others, or calls `by_itself`, which is to run it in a transaction of its own. Blocks
  /// until it is durable. Errors: of `by_itself`, and `outcome_unknown`.
  Status run(const contract::WriteJob& job, Deadline deadline, std::source_location place,
             const std::function<Status()>& by_itself);

  /// Transactions that held several jobs, and the jobs in them.
  [[nodiscard]] std::uint64_t groups() const { return groups_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t grouped_jobs() const { return grouped_jobs_.load(std::memory_order_relaxed); }

 private:
  enum class State : std::uint8_t { waits, leads, taken, answered, by_itself };
  struct Request {
    const contract::WriteJob* job;
    Deadline deadline;
    std::source_location place;
    State state = State::waits;
    Status result;
    std::condition_variable changed;
  };
  using Group = std::vector<Request*>;
  using Clock = std::chrono::steady_clock;

  /// Until it was served (false) or leads.
  bool wait(std::unique_lock<std::mutex>& lock, Request& request);
  /// Takes `leader` and who waits longest out of the queue.
  Group gather(Request& leader);
  /// What all are answered with; `by_itself` when it was undone.
  State run_group(const Group& group, Status& result);
  Status run_jobs(const Group& group);
  void hand_over();
  void note(bool undone);

  contract::ConnectionPool& connections_;
  const Session::Alarm& alarm_;
  std::mutex mutex_;  ///< Guards what follows, and the requests.
  std::deque<Request*> waiting_;
  std::size_t leaders_ = 0;
  unsigned undone_in_a_row_ = 0;
  Clock::time_point alone_until_;  ///< After a group was undone it is not worth the trouble for a while.

  std::atomic<std::uint64_t> groups_{0};
  std::atomic<std::uint64_t> grouped_jobs_{0};
};

}  // namespace triune::adapters::postgres
