#include "hive/log_retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "base/try.h"
#include "hive/cluster_node.h"
#include "hive/lease.h"
#include "projection/change_log.h"

namespace triune::hive {
namespace {

Deadline step_deadline() {
  return Deadline::after(std::chrono::minutes(5));
}

class Sweep {
 public:
  Sweep(contract::RelationalStore& store, std::int64_t organization_id, Lease lease, const LogRetentionOptions& options)
      : store_(store), organization_id_(organization_id), lease_(std::move(lease)), options_(options) {}

  Result<LogRetentionReport> run();

 private:
  struct Plan {
    std::uint64_t keep_from = 0;  ///< The first lsn that stays.
    std::string slowest;
  };

  Result<std::vector<ClusterNodeStatus>> silent_longest_first(contract::RelationalSession& session) const;
  Status forget(contract::RelationalSession& session, const ClusterNodeStatus& node);
  Result<Plan> plan(contract::RelationalSession& session);
  Result<std::uint64_t> count(contract::RelationalSession& session, bool above, std::uint64_t lsn,
                              std::uint64_t most) const;
  Status forget_overdue();
  Status delete_below(std::uint64_t lsn);

  contract::RelationalStore& store_;
  const std::int64_t organization_id_;
  const Lease lease_;
  const LogRetentionOptions& options_;
  LogRetentionReport report_;
};

Result<std::vector<ClusterNodeStatus>> Sweep::silent_longest_first(contract::RelationalSession& session) const {
  TRIUNE_ASSIGN(auto nodes, cluster_nodes(session, organization_id_, {}, options_.lost_after));
  std::erase_if(nodes, [](const ClusterNodeStatus& node) { return node.state == NodeState::live; });
  std::ranges::sort(nodes, std::ranges::greater{}, &ClusterNodeStatus::since_seen);
  return nodes;
}

Status Sweep::forget(contract::RelationalSession& session, const ClusterNodeStatus& node) {
  // Only if it is as silent as it was: it may have come back this moment.
  const std::array<Value, 2> silent{node.node_id, std::int64_t{options_.lost_after.count()}};
  TRIUNE_ASSIGN(const std::uint64_t gone,
                session.execute("DELETE FROM triune_cluster_nodes WHERE node_id = ?1 AND (stopped OR "
                                "seen_at < clock_timestamp() - ?2 * interval '1 millisecond')",
                                silent));
  if (gone == 0) return {};
  const std::array<Value, 2> aside{organization_id_, " of " + node.node_id};
  TRIUNE_TRY(
      session.execute("DELETE FROM triune_set_aside WHERE organization_id = ?1 "
                      "AND right(projection, length(?2)) = ?2",
                      aside));
  report_.forgotten.push_back(node.node_id);
  return {};
}

Result<Sweep::Plan> Sweep::plan(contract::RelationalSession& session) {
  Plan plan;
  // The last settled entry stays, as the mark of how far the log has come.
  TRIUNE_ASSIGN(plan.keep_from, projection::settled_head(session, organization_id_));
  TRIUNE_ASSIGN(const auto nodes, cluster_nodes(session, organization_id_, {}, options_.lost_after));
  for (const auto& node : nodes) {
    if (!node.watermark || *node.watermark >= plan.keep_from) continue;
    plan.keep_from = *node.watermark;
    plan.slowest = node.node_id;
  }
  return plan;
}

Result<std::uint64_t> Sweep::count(contract::RelationalSession& session, bool above, std::uint64_t lsn,
                                   std::uint64_t most) const {
  const std::array<Value, 3> parameters{organization_id_, static_cast<std::int64_t>(lsn),
                                        static_cast<std::int64_t>(most)};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query(fmt::format("SELECT count(*) FROM (SELECT 1 FROM triune_change_log WHERE organization_id "
                                          "= ?1 AND lsn {} ?2 LIMIT ?3) AS entries",
                                          above ? ">=" : "<"),
                              parameters, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
}

Status Sweep::forget_overdue() {
  std::vector<std::string> forgotten_before = report_.forgotten;
  return store_.write(
      [&](contract::RelationalSession& session) -> Status {
        report_.forgotten = forgotten_before;
        TRIUNE_TRY(check_lease(session, lease_));
        TRIUNE_ASSIGN(const auto silent, silent_longest_first(session));
        for (const auto& node : silent) {
          if (node.since_seen < options_.forget_after) {
            TRIUNE_ASSIGN(const Plan now, plan(session));
            TRIUNE_ASSIGN(const std::uint64_t kept, count(session, true, now.keep_from, options_.most_entries + 1));
            if (kept <= options_.most_entries) break;
            // Forgetting a node that needs little of the log would not make it shorter.
            if (!node.watermark || *node.watermark > now.keep_from) continue;
          }
          TRIUNE_TRY(forget(session, node));
        }
        return {};
      },
      step_deadline());
}

Status Sweep::delete_below(std::uint64_t lsn) {
  TRIUNE_TRY(store_.write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(check_lease(session, lease_));
        return projection::raise_log_floor(session, organization_id_, lsn);
      },
      step_deadline()));
  std::uint64_t swept = 0;
  do {
    TRIUNE_TRY(renew_lease(store_, lease_, options_.lease));
    TRIUNE_TRY(store_.write(
        [&](contract::RelationalSession& session) -> Status {
          TRIUNE_TRY(check_lease(session, lease_));
          TRIUNE_ASSIGN(swept, projection::trim_log_step(session, organization_id_, lsn, options_.step));
          return {};
        },
        step_deadline()));
    report_.swept += swept;
  } while (swept >= options_.step);
  return {};
}

Result<LogRetentionReport> Sweep::run() {
  TRIUNE_TRY(forget_overdue());
  Plan now;
  std::uint64_t superfluous = 0;
  {
    TRIUNE_ASSIGN(const auto session, store_.read(contract::ReadScope::internal, step_deadline()));
    TRIUNE_ASSIGN(now, plan(*session));
    TRIUNE_ASSIGN(superfluous, count(*session, false, now.keep_from, options_.least_swept));
  }
  report_.slowest = now.slowest;
  if (superfluous > 0 && superfluous >= options_.least_swept) TRIUNE_TRY(delete_below(now.keep_from));
  return report_;
}

}  // namespace

Result<LogRetentionReport> sweep_shared_log(contract::RelationalStore& store, std::int64_t organization_id,
                                            const std::string& holder, const LogRetentionOptions& options) {
  auto lease = acquire_lease(store, fmt::format("log retention {}", organization_id), holder, options.lease);
  if (!lease && lease.error().code == ErrorCode::conflict)
    return LogRetentionReport{.held_by_another = true, .forgotten = {}, .slowest = {}};
  if (!lease) return failure_of(lease);
  auto report = Sweep(store, organization_id, *lease, options).run();
  const auto released = release_lease(store, *lease);
  if (report && !released) return std::unexpected(released.error());
  return report;
}

}  // namespace triune::hive
