#include "hive/cluster_node.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/try.h"

namespace triune {

std::string_view to_string(NodeState state) noexcept {
  switch (state) {
    case NodeState::live: return "live";
    case NodeState::stopped: return "stopped";
    case NodeState::lost: return "lost";
  }
  return "lost";
}

}  // namespace triune

namespace triune::hive {
namespace {

constexpr std::size_t longest_id = 200;
constexpr std::size_t most_nodes = 10'000;
constexpr std::size_t heartbeat_chore = 0;

#define TRIUNE_REGISTRATION "CAST(extract(epoch FROM started_at) * 1000000 AS bigint)"
#define TRIUNE_SEEN_AGO "CAST(extract(epoch FROM clock_timestamp() - seen_at) * 1000 AS bigint)"

std::string host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "unknown";
  return name.data();
}

/// A space would let one node's set-aside entities ("NAME of NODE") pass for another's.
Status check_id(std::string_view id) {
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-";
  if (!id.empty() && id.size() <= longest_id && id.find_first_not_of(allowed) == std::string_view::npos) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("'{}' is no node id: 1 to {} letters, digits, '.', '_', ':' or '-'", id, longest_id));
}

/// Whether a process of this machine has surely ended.
bool has_ended(std::int64_t process_id) {
  return process_id > 0 && ::kill(static_cast<pid_t>(process_id), 0) != 0 && errno == ESRCH;
}

std::int64_t number(const Value& value) {
  return std::get<std::int64_t>(value);
}

std::unexpected<Error> forgotten_meanwhile(std::string_view id) {
  auto error = failure(ErrorCode::unavailable, fmt::format("node {} was forgotten while it registered; try again", id));
  error.error().retry = Retry::safe;
  return error;
}

ClusterNodeOptions completed(ClusterNodeOptions options) {
  if (options.host.empty()) options.host = host_name();
  if (options.process_id == 0) options.process_id = ::getpid();
  return options;
}

}  // namespace

ClusterNode::ClusterNode(contract::RelationalStore& store, ClusterNodeOptions options)
    : store_(store), options_(completed(std::move(options))) {
  chores_.push_back({.status = {.name = "heartbeat", .last_error = {}}, .interval = options_.heartbeat, .work = {}});
}

Result<std::unique_ptr<ClusterNode>> ClusterNode::join(contract::RelationalStore& store, ClusterNodeOptions options) {
  TRIUNE_TRY(check_id(options.node_id));
  std::unique_ptr<ClusterNode> node(new ClusterNode(store, std::move(options)));
  TRIUNE_TRY(node->enter());
  if (node->options_.watermark)
    node->add_chore("watermark", node->options_.heartbeat, [self = node.get()] { return self->look_at_watermark(); });
  node->heartbeats_ = std::thread([self = node.get()] { self->run_heartbeats(); });
  node->worker_ = std::thread([self = node.get()] { self->run_chores(); });
  return node;
}

ClusterNode::~ClusterNode() {
  stop_threads();
}

Deadline ClusterNode::patience() const {
  return Deadline::after(std::max<std::chrono::milliseconds>(2 * options_.heartbeat, std::chrono::seconds(10)));
}

Status ClusterNode::refuse_second(contract::RelationalSession& session) const {
  const Value id = options_.node_id;
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT host, process_id, stopped, " TRIUNE_SEEN_AGO
                                                 " FROM triune_cluster_nodes WHERE node_id = ?1 FOR UPDATE",
                                                 {&id, 1}, 1));
  if (rows.rows.empty()) return {};
  const auto& row = rows.rows[0];
  const auto process = number(row[1]);
  const bool same_machine = to_text(row[0]) == options_.host;
  if (std::get<bool>(row[2]) || number(row[3]) >= options_.lost_after.count()) return {};
  if (same_machine && (process == options_.process_id || has_ended(process))) return {};
  auto error =
      failure(ErrorCode::unavailable,
              fmt::format("node {} is in use by process {} on {}, seen {} ms ago; stop that, or give this node "
                          "a directory for projections of its own",
                          options_.node_id, process, to_text(row[0]), number(row[3])));
  error.error().retry = Retry::safe;
  return error;
}

Status ClusterNode::enter() {
  return store_.write(
      [&](contract::RelationalSession& session) -> Status {
        const std::array<Value, 4> parameters{options_.node_id, options_.organization_id, options_.host,
                                              options_.process_id};
        // A new one may need everything (N2).
        TRIUNE_ASSIGN(RowSet rows, session.query("INSERT INTO triune_cluster_nodes (node_id, organization_id, host, "
                                                 "process_id, started_at, seen_at, watermark) VALUES (?1, ?2, ?3, ?4, "
                                                 "clock_timestamp(), clock_timestamp(), 0) ON CONFLICT (node_id) "
                                                 "DO NOTHING RETURNING " TRIUNE_REGISTRATION,
                                                 parameters, 1));
        if (rows.rows.empty()) {
          TRIUNE_TRY(refuse_second(session));
          // One that comes back keeps its watermark.
          TRIUNE_ASSIGN(rows, session.query("UPDATE triune_cluster_nodes SET organization_id = ?2, host = ?3, "
                                            "process_id = ?4, started_at = clock_timestamp(), seen_at = "
                                            "clock_timestamp(), stopped = false WHERE node_id = ?1 "
                                            "RETURNING " TRIUNE_REGISTRATION,
                                            parameters, 1));
        }
        if (rows.rows.empty()) return forgotten_meanwhile(options_.node_id);
        registration_ = number(rows.rows[0][0]);
        return {};
      },
      patience());
}

Status ClusterNode::write_row(bool stopped) {
  std::array<Value, 5> parameters{options_.node_id, Value(), stopped, Value(), Value()};
  {
    const std::scoped_lock lock(mutex_);
    parameters[1] = registration_.load();
    parameters[3] = watermark_known_;
    if (watermark_) parameters[4] = static_cast<std::int64_t>(*watermark_);
  }
  std::uint64_t updated = 0;
  TRIUNE_TRY(store_.write(
      [&](contract::RelationalSession& session) -> Status {
        TRIUNE_ASSIGN(updated,
                      session.execute("UPDATE triune_cluster_nodes SET seen_at = clock_timestamp(), stopped = ?3, "
                                      "watermark = CASE WHEN ?4 THEN CAST(?5 AS bigint) ELSE watermark END "
                                      "WHERE node_id = ?1 AND " TRIUNE_REGISTRATION " = ?2",
                                      parameters));
        return {};
      },
      patience()));
  if (updated > 0) return {};
  // Forgotten while it could not be heard, or taken over (N1), which `enter` refuses to undo.
  TRIUNE_TRY(enter());
  return stopped ? write_row(true) : Status();
}

Status ClusterNode::look_at_watermark() {
  TRIUNE_ASSIGN(const auto watermark, options_.watermark());
  const std::scoped_lock lock(mutex_);
  watermark_ = watermark;
  watermark_known_ = true;
  return {};
}

void ClusterNode::add_chore(std::string name, std::chrono::milliseconds interval, std::function<Status()> work) {
  {
    const std::scoped_lock lock(mutex_);
    chores_.push_back({.status = {.name = std::move(name), .last_error = {}},
                       .interval = interval,
                       .work = std::move(work),
                       .due = Deadline::Clock::now()});
  }
  wake_.notify_all();
}

std::vector<ChoreStatus> ClusterNode::chores() const {
  const std::scoped_lock lock(mutex_);
  std::vector<ChoreStatus> all;
  for (const auto& chore : chores_) all.push_back(chore.status);
  return all;
}

void ClusterNode::note(std::size_t number, const Status& outcome) {
  const std::scoped_lock lock(mutex_);
  auto& chore = chores_.at(number);
  ++chore.status.runs;
  chore.status.last_error = outcome ? std::string() : outcome.error().message;
  chore.due = Deadline::Clock::now() + chore.interval;
}

void ClusterNode::run_heartbeats() {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (wake_.wait_for(lock, options_.heartbeat, [&] { return stopping_; })) return;
    }
    note(heartbeat_chore, write_row(false));
  }
}

std::size_t ClusterNode::next_chore() const {
  std::size_t next = heartbeat_chore;
  for (std::size_t i = 1; i < chores_.size(); ++i)
    if (next == heartbeat_chore || chores_[i].due < chores_[next].due) next = i;
  return next;
}

void ClusterNode::run_chores() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto next = next_chore();
    if (next == heartbeat_chore) {
      wake_.wait(lock);
      continue;
    }
    if (chores_[next].due > Deadline::Clock::now()) {
      const auto due = chores_[next].due;  // the chores may move in memory meanwhile
      wake_.wait_until(lock, due);
      continue;
    }
    const auto work = chores_[next].work;
    lock.unlock();
    note(next, work());
    lock.lock();
  }
}

void ClusterNode::stop_threads() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (heartbeats_.joinable()) heartbeats_.join();
  if (worker_.joinable()) worker_.join();
}

Status ClusterNode::leave() {
  stop_threads();
  {
    const std::scoped_lock lock(mutex_);
    if (std::exchange(left_, true)) return {};
  }
  // Without a last watermark the one before stands, which only keeps more of the log (N2).
  const auto looked = options_.watermark ? look_at_watermark() : Status();
  TRIUNE_TRY(write_row(true));
  return looked;
}

Result<std::vector<ClusterNodeStatus>> cluster_nodes(contract::RelationalSession& session, std::int64_t organization_id,
                                                     std::string_view self, std::chrono::milliseconds lost_after) {
  const Value organization = organization_id;
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT node_id, host, process_id, stopped, " TRIUNE_SEEN_AGO
                              ", watermark FROM triune_cluster_nodes WHERE organization_id = ?1 ORDER BY node_id",
                              {&organization, 1}, most_nodes));
  std::vector<ClusterNodeStatus> nodes;
  for (const auto& row : rows.rows) {
    const auto state = std::get<bool>(row[3])                ? NodeState::stopped
                       : number(row[4]) < lost_after.count() ? NodeState::live
                                                             : NodeState::lost;
    nodes.push_back({.node_id = to_text(row[0]),
                     .host = to_text(row[1]),
                     .process_id = number(row[2]),
                     .state = state,
                     .self = to_text(row[0]) == self,
                     .since_seen = std::chrono::milliseconds(std::max<std::int64_t>(0, number(row[4]))),
                     .watermark = std::nullopt});
    if (!is_null(row[5])) nodes.back().watermark = static_cast<std::uint64_t>(number(row[5]));
  }
  return nodes;
}

}  // namespace triune::hive
