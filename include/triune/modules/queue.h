// Durable queues: work that is claimed with a lease, done exactly once for each claim, tried again, or set aside as
// dead.
//
//   blocked ─its task is ready─▶ waiting ─due─▶ ready ─claim─▶ claimed ─complete─▶ completed
//                                   ▲                            │ fail, lease ended, release
//                                   └───── attempts are left ────┤
//                                                                └─ none is left ─▶ dead ─revive─▶ waiting
//
// Invariants
//   Q1 An item is claimed by one worker at a time; each claim has a number, and whoever shows an older one is refused.
//   Q2 What was answered is durable (I1): a claim, a completion, a failure.
//   Q3 Of items of one priority lanes take turns, whatever one of them puts in.
//   Q4 An item that stands for a task and the task change together.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/hive.h"
#include "triune/modules/actor.h"
#include "triune/modules/tasks.h"

namespace triune {

struct QueueSettings {
  std::string name;  ///< 1 to 200 bytes.
  bool paused = false;
  std::int64_t lease_ms = 60'000;  ///< How long a claim holds unless it is extended.
  std::int64_t max_attempts = 5;   ///< Claims of an item before it is dead.
  /// The pause before the second attempt; it doubles up to the longest, with jitter from half of it.
  std::int64_t backoff_ms = 1'000;
  std::int64_t longest_backoff_ms = 600'000;
};

/// Work to be put in.
struct NewQueueItem {
  /// Empty: a new UUIDv7. One that is there already is not put in twice. Those of workflows' steps begin with "wf:",
  /// and no others.
  std::string id;
  std::string lane;  ///< Whose work it is, for Q3; may be empty.
  TaskPriority priority = TaskPriority::normal;
  std::int64_t due_at_ms = 0;  ///< Not before; 0: now.
  Json payload{"{}"};
  std::string task;  ///< The task that it stands for; its priority and payload count then. Empty: none.
};

struct QueueItem {
  std::string id;
  std::string queue;
  std::string lane;
  std::string state;  ///< blocked, waiting, ready, claimed, completed, dead, cancelled.
  TaskPriority priority = TaskPriority::normal;
  std::int64_t attempts = 0;
  std::int64_t claim = 0;  ///< What completes it (Q1).
  std::string worker;
  Json payload;
  Json result;  ///< Of a completed one; otherwise "null".
  std::string last_error;
  std::string task;
  std::int64_t due_at_ms = 0;
  std::optional<std::int64_t> lease_until_ms;
  std::int64_t created_at_ms = 0;
  std::optional<std::int64_t> claimed_at_ms;  ///< The last time.
};

/// A claim that ends well.
struct QueueCompletion {
  std::string id;
  std::int64_t claim = 0;
  Json result{"null"};
};

/// A claim that ends badly.
struct QueueFailure {
  std::string id;
  std::int64_t claim = 0;
  std::string error;
  bool final = false;  ///< True: dead at once, whatever attempts are left.
};

struct QueueStatistics {
  std::int64_t blocked = 0;
  std::int64_t waiting = 0;
  std::int64_t ready = 0;
  std::int64_t claimed = 0;
  std::int64_t completed = 0;
  std::int64_t dead = 0;
  std::int64_t cancelled = 0;
  std::int64_t oldest_ready_ms = 0;  ///< For how long the oldest ready one is due.
};

/// Thread rule: any thread. Methods that write block until the change is durable.
class Queues {
 public:
  /// Makes the tables in the hive, those of tasks with them. The hive outlives it.
  static Result<std::unique_ptr<Queues>> open(Hive& hive);
  virtual ~Queues() = default;

  /// Makes a queue or changes it. A paused one gives out nothing.
  virtual Status configure(const QueueSettings& settings, const Actor& actor = {}) = 0;
  virtual Result<std::vector<QueueSettings>> list() = 0;

  /// Returns the ids. All or none; at most 100,000. Errors: `not_found` (queue, task), `conflict` when an item stands
  /// for the task already.
  virtual Result<std::vector<std::string>> put(std::string_view queue, std::span<const NewQueueItem> items,
                                               const Actor& actor = {}) = 0;
  /// Up to `count` (1 to 1,000) items, the most urgent first; none when none is ready. Items whose lease ended are
  /// taken back first. `lease_ms` 0: the queue's.
  virtual Result<std::vector<QueueItem>> claim(std::string_view queue, std::string_view worker, std::size_t count = 1,
                                               std::int64_t lease_ms = 0, const Actor& actor = {}) = 0;
  /// A heartbeat: the lease ends so much later from now on; 0: as the queue says. Error: `conflict` when the claim was
  /// lost.
  virtual Status extend(std::string_view id, std::int64_t claim, std::int64_t lease_ms = 0,
                        const Actor& actor = {}) = 0;
  /// Ends claims; those of one call all or none. The same completion again is no error and has no effect. Error:
  /// `conflict` that names the item when its claim was lost (Q1).
  virtual Status complete(std::span<const QueueCompletion> completions, const Actor& actor = {}) = 0;
  virtual Status fail(std::span<const QueueFailure> failures, const Actor& actor = {}) = 0;
  /// Gives an item back; the attempt does not count.
  virtual Status release(std::string_view id, std::int64_t claim, const Actor& actor = {}) = 0;
  /// Gives back everything that a worker holds, in every queue; for one that crashed. Returns how many.
  virtual Result<std::int64_t> release_worker(std::string_view worker, const Actor& actor = {}) = 0;
  /// Of an item that has not ended. A worker that holds it loses it.
  virtual Status cancel(std::string_view id, const Actor& actor = {}) = 0;
  /// A dead one is tried again, its attempts counted anew.
  virtual Status revive(std::string_view id, const Actor& actor = {}) = 0;

  virtual Result<QueueItem> get(std::string_view id) = 0;
  /// Of one state, the oldest first; at most 10,000.
  virtual Result<std::vector<QueueItem>> items(std::string_view queue, std::string_view state,
                                               std::size_t limit = 100) = 0;
  virtual Result<QueueStatistics> statistics(std::string_view queue) = 0;
  /// Removes completed and cancelled items that ended so long ago, 10,000 at most. Returns how many.
  virtual Result<std::int64_t> sweep(std::string_view queue, std::int64_t older_than_ms, const Actor& actor = {}) = 0;
};

}  // namespace triune
