// This process as one node among those that share a PostgreSQL database.
//
//            ┌──────────────── seen again ─────────────┐
//            ▼                                         │
//   join ▶ live ──no heartbeat for `lost_after`──▶ lost ──retention's cap──▶ forgotten (its projections start anew)
//            └──leave──▶ stopped ──join──▶ live   stopped ──retention's cap──▶ forgotten
//
// Invariants
//   N1  One process at a time is registered under a node id; who lost it to another is told by every heartbeat.
//   N2  The row's watermark is never ahead of what the node's projections hold durably, so retention (log_retention.h)
//       takes nothing from it. Until the first is known it is 0: the node may need everything.
//   N3  An error of a chore is kept and shown until the chore succeeds.
//
// Two threads: one for heartbeats, so that no long chore makes the node look dead, and one for the chores.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "contract/relational_store.h"
#include "triune/cluster.h"

namespace triune::hive {

struct ClusterNodeOptions {
  std::string node_id;  ///< 1 to 200 of A-Z a-z 0-9 . _ : -; the same for the same local projections.
  std::int64_t organization_id = 0;
  /// The lowest lsn the node's projections hold durably; nothing when they need none of the log. May block; called from
  /// the chores' thread only.
  std::function<Result<std::optional<std::uint64_t>>()> watermark;
  std::chrono::milliseconds heartbeat{5'000};
  /// Another process under the same id counts as running this long after its last heartbeat.
  std::chrono::milliseconds lost_after{15'000};
  std::string host;             ///< Empty: this machine's name.
  std::int64_t process_id = 0;  ///< 0: this process.
};

/// Thread rule: any thread.
class ClusterNode {
 public:
  /// Registers the node and starts the heartbeats. Errors: `invalid_argument` (the id), `unavailable` naming host and
  /// pid when another process is registered under the id (N1), those of the store. `store` outlives the node.
  static Result<std::unique_ptr<ClusterNode>> join(contract::RelationalStore& store, ClusterNodeOptions options);
  /// Stops the threads; registered as running, unless `leave` was called, until others take it for lost.
  ~ClusterNode();
  ClusterNode(const ClusterNode&) = delete;
  ClusterNode& operator=(const ClusterNode&) = delete;

  /// Has `work` done every `interval`, for the first time at once. Chores take turns in one thread.
  void add_chore(std::string name, std::chrono::milliseconds interval, std::function<Status()> work);
  /// How the chores went, the heartbeat among them.
  [[nodiscard]] std::vector<ChoreStatus> chores() const;
  /// Stops the threads, after the chore at work, and says good-bye with a last watermark. Idempotent.
  Status leave();
  [[nodiscard]] const std::string& id() const { return options_.node_id; }

 private:
  struct Chore {
    ChoreStatus status;
    std::chrono::milliseconds interval{0};
    std::function<Status()> work;
    Deadline::Clock::time_point due{};
  };

  ClusterNode(contract::RelationalStore& store, ClusterNodeOptions options);
  Deadline patience() const;
  /// Registers, or registers anew.
  Status enter();
  Status look_at_watermark();
  Status write_row(bool stopped);
  Status refuse_second(contract::RelationalSession& session) const;
  void run_heartbeats();
  void run_chores();
  void note(std::size_t number, const Status& outcome);
  /// The chore that is due first; with mutex_.
  std::size_t next_chore() const;
  void stop_threads();

  contract::RelationalStore& store_;
  const ClusterNodeOptions options_;
  std::atomic<std::int64_t> registration_{0};  ///< Tells this registration from a later one under the same id.
  mutable std::mutex mutex_;                   ///< guards everything below
  std::condition_variable wake_;
  std::vector<Chore> chores_;  ///< The first is the heartbeat, which has a thread of its own. Grows only.
  std::optional<std::uint64_t> watermark_;
  bool watermark_known_ = false;
  bool stopping_ = false;
  bool left_ = false;
  std::thread heartbeats_;
  std::thread worker_;
};

/// The nodes of an organization as `session` sees them, the one called `self` marked.
Result<std::vector<ClusterNodeStatus>> cluster_nodes(contract::RelationalSession& session, std::int64_t organization_id,
                                                     std::string_view self,
                                                     std::chrono::milliseconds lost_after = std::chrono::seconds(60));

}  // namespace triune::hive
