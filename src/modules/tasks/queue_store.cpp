#include "modules/tasks/queue_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/try.h"
#include "model/json.h"
#include "modules/kit/module.h"
#include "modules/kit/rows.h"
#include "modules/tasks/write_task.h"
#include "runtime/backoff.h"

namespace triune::modules::tasks {
namespace {

using contract::Dialect;

constexpr std::int64_t advance_limit = 1'000;
constexpr std::string_view item_columns =
    "id, queue, lane, state, priority, attempts, claim, worker, payload, result, last_error, task_id, due_at_ms, "
    "lease_until_ms, created_at_ms, claimed_at_ms";

QueueItem item_of(const std::vector<Value>& row) {
  QueueItem item{.id = text(row[0]), .queue = text(row[1]), .lane = text(row[2]), .state = text(row[3])};
  item.priority = static_cast<TaskPriority>(integer(row[4]));
  item.attempts = integer(row[5]);
  item.claim = integer(row[6]);
  item.worker = text(row[7]);
  item.payload = Json{text(row[8])};
  item.result = Json{is_null(row[9]) ? "null" : text(row[9])};
  item.last_error = text(row[10]);
  item.task = text(row[11]);
  item.due_at_ms = integer(row[12]);
  item.lease_until_ms = optional_integer(row[13]);
  item.created_at_ms = integer(row[14]);
  item.claimed_at_ms = optional_integer(row[15]);
  return item;
}

QueueSettings settings_of(const std::vector<Value>& row) {
  return {text(row[0]), integer(row[1]) == 1, integer(row[2]), integer(row[3]), integer(row[4]), integer(row[5])};
}

std::unexpected<Error> no_queue(std::string_view queue) {
  return failure(ErrorCode::not_found, fmt::format("there is no queue {}; make it with `configure`", queue));
}

/// SQLite has numbers for truth values.
bool is_true(const Value& value) {
  const auto* const truth = std::get_if<bool>(&value);
  return truth != nullptr ? *truth : integer(value) != 0;
}

/// "max" of two values.
std::string_view greater_of(Dialect dialect) {
  return dialect == Dialect::sqlite ? "max" : "greatest";
}

/// Other claimers take other rows.
std::string_view skipping_locked(Dialect dialect) {
  return dialect == Dialect::sqlite ? "" : " FOR UPDATE SKIP LOCKED";
}

}  // namespace

Result<QueueSettings> QueueStore::settings(std::string_view queue) const {
  const std::array<Value, 2> key{organization_id_, std::string(queue)};
  TRIUNE_ASSIGN(const RowSet rows,
                session_.query("SELECT name, paused, lease_ms, max_attempts, backoff_ms, longest_backoff_ms FROM "
                               "triune_queues WHERE organization_id = ?1 AND name = ?2",
                               key, 1));
  if (rows.rows.empty()) return no_queue(queue);
  return settings_of(rows.rows[0]);
}

Result<QueueItem> QueueStore::find(std::string_view id) const {
  static const std::string sql =
      fmt::format("SELECT {} FROM triune_queue_items WHERE organization_id = ?1 AND id = ?2", item_columns);
  const std::array<Value, 2> key{organization_id_, std::string(id)};
  TRIUNE_ASSIGN(const RowSet rows, session_.query(sql, key, 1));
  if (rows.rows.empty()) return failure(ErrorCode::not_found, fmt::format("there is no item {} in any queue", id));
  return item_of(rows.rows[0]);
}

Result<std::int64_t> QueueStore::next_turn(std::string_view queue, const std::string& lane,
                                           TaskPriority priority) const {
  static const contract::DialectText sql([](Dialect dialect) {
    // What is served now: the first that is ready, else the last of those that were claimed last, else the last of any
    // lane. Of all that are claimed there may be thousands, and each put would look at them.
    constexpr std::string_view floor =
        "coalesce((SELECT turn FROM triune_queue_items WHERE organization_id = ?1 AND queue = ?2 AND priority = ?4 AND "
        "state = 'ready' ORDER BY turn LIMIT 1), (SELECT max(turn) FROM (SELECT turn FROM triune_queue_items WHERE "
        "organization_id = ?1 AND queue = ?2 AND state = 'claimed' ORDER BY lease_until_ms DESC LIMIT 16) AS latest), "
        "(SELECT max(last_turn) FROM triune_queue_lanes WHERE organization_id = ?1 AND queue = ?2), 0)";
    return fmt::format(
        "INSERT INTO triune_queue_lanes (organization_id, queue, lane, last_turn) SELECT CAST(?1 AS bigint), ?2, ?3, "
        "{1}(1, {0}) WHERE true ON CONFLICT (organization_id, queue, lane) DO UPDATE SET last_turn = "
        "{1}(triune_queue_lanes.last_turn + 1, excluded.last_turn) RETURNING last_turn",
        floor, greater_of(dialect));
  });
  const std::array<Value, 4> parameters{organization_id_, std::string(queue), lane,
                                        static_cast<std::int64_t>(priority)};
  TRIUNE_ASSIGN(const RowSet rows, session_.query(sql.in(session_.dialect()), parameters, 1));
  return integer(rows.rows.at(0).at(0));
}

Status QueueStore::put(const QueueSettings& queue, const NewQueueItem& item, const std::string& id) const {
  const auto now = now_ms();
  auto priority = item.priority;
  auto due = item.due_at_ms;
  std::string_view state = due > now ? "waiting" : "ready";
  if (!item.task.empty()) {
    TRIUNE_ASSIGN(const Task task, find_task(session_, organization_id_, item.task));
    priority = task.priority;
    due = std::max(due, task.scheduled_at_ms);
    const bool ready = task.status == TaskStatus::pending && task.unmet_dependencies == 0;
    state = !ready ? "blocked" : due > now ? "waiting" : "ready";
  }
  std::int64_t turn = 0;
  if (state == "ready") {
    TRIUNE_ASSIGN(turn, next_turn(queue.name, item.lane, priority));
  }
  const std::array<Value, 11> row{organization_id_,
                                  id,
                                  queue.name,
                                  item.lane,
                                  std::string(state),
                                  static_cast<std::int64_t>(priority),
                                  turn,
                                  std::max(due, now),
                                  item.payload.text,
                                  text_or_null(item.task),
                                  now};
  auto made = session_.execute(
      "INSERT INTO triune_queue_items (organization_id, id, queue, lane, state, priority, turn, due_at_ms, payload, "
      "task_id, created_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
      "ON CONFLICT (organization_id, id) DO NOTHING",
      row);
  if (made) return {};
  made.error().message = fmt::format("item {}: {}", id, made.error().message);
  return std::unexpected<Error>(made.error());
}

Result<QueueLook> QueueStore::look(std::string_view queue) const {
  const std::array<Value, 3> parameters{organization_id_, std::string(queue), now_ms()};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session_.query("SELECT q.name, q.paused, q.lease_ms, q.max_attempts, q.backoff_ms, q.longest_backoff_ms, "
                     "EXISTS (SELECT 1 FROM triune_queue_items WHERE organization_id = ?1 AND queue = ?2 AND state = "
                     "'claimed' AND lease_until_ms < ?3), EXISTS (SELECT 1 FROM triune_queue_items WHERE "
                     "organization_id = ?1 AND queue = ?2 AND state = 'waiting' AND due_at_ms <= ?3), EXISTS (SELECT 1 "
                     "FROM triune_queue_items WHERE organization_id = ?1 AND queue = ?2 AND state = 'ready') FROM "
                     "triune_queues q WHERE q.organization_id = ?1 AND q.name = ?2",
                     parameters, 1));
  if (rows.rows.empty()) return no_queue(queue);
  const auto& row = rows.rows[0];
  return QueueLook{settings_of(row), is_true(row[6]), is_true(row[7]), is_true(row[8])};
}

Result<QueueLook> QueueStore::advance(std::string_view queue) const {
  TRIUNE_ASSIGN(QueueLook found, look(queue));
  if (found.has_expired) TRIUNE_TRY(take_back_expired(found.settings, now_ms()));
  if (found.has_expired || found.has_due) TRIUNE_TRY(make_due_ready(queue, now_ms()));
  return found;
}

Status QueueStore::take_back_expired(const QueueSettings& queue, std::int64_t now) const {
  static const contract::DialectText sql([](Dialect dialect) {
    return fmt::format(
        "SELECT {} FROM triune_queue_items WHERE organization_id = ?1 AND queue = ?2 AND state = 'claimed' "
        "AND lease_until_ms < ?3 ORDER BY lease_until_ms LIMIT ?4{}",
        item_columns, skipping_locked(dialect));
  });
  const std::array<Value, 4> parameters{organization_id_, queue.name, now, advance_limit};
  TRIUNE_ASSIGN(const RowSet rows,
                session_.query(sql.in(session_.dialect()), parameters, static_cast<std::size_t>(advance_limit)));
  for (const auto& row : rows.rows) {
    const auto item = item_of(row);
    TRIUNE_TRY(end_attempt(item, queue, fmt::format("the lease of {} ended", item.worker), false, "expired"));
  }
  return {};
}

Status QueueStore::make_due_ready(std::string_view queue, std::int64_t now) const {
  static const contract::DialectText sql([](Dialect dialect) {
    return fmt::format(
        "SELECT id, lane, priority FROM triune_queue_items WHERE organization_id = ?1 AND queue = ?2 AND "
        "state = 'waiting' AND due_at_ms <= ?3 ORDER BY due_at_ms LIMIT ?4{}",
        skipping_locked(dialect));
  });
  const std::array<Value, 4> parameters{organization_id_, std::string(queue), now, advance_limit};
  TRIUNE_ASSIGN(const RowSet rows,
                session_.query(sql.in(session_.dialect()), parameters, static_cast<std::size_t>(advance_limit)));
  for (const auto& row : rows.rows) {
    TRIUNE_ASSIGN(const auto turn, next_turn(queue, text(row[1]), static_cast<TaskPriority>(integer(row[2]))));
    const std::array<Value, 3> ready{organization_id_, row[0], turn};
    TRIUNE_TRY(
        session_.execute("UPDATE triune_queue_items SET state = 'ready', turn = ?3 WHERE organization_id = ?1 AND "
                         "id = ?2 AND state = 'waiting'",
                         ready));
  }
  return {};
}

Result<std::vector<QueueItem>> QueueStore::claim(const QueueSettings& queue, std::string_view worker, std::size_t count,
                                                 std::int64_t lease_ms) const {
  static const contract::DialectText sql([](Dialect dialect) {
    // Materialized: evaluated again and again, the selection would take more than it may.
    return fmt::format(
        "WITH next AS MATERIALIZED (SELECT id FROM triune_queue_items WHERE organization_id = ?1 AND queue = ?2 AND "
        "state "
        "= 'ready' ORDER BY priority DESC, turn, id LIMIT ?6{}) UPDATE triune_queue_items SET state = 'claimed', claim "
        "= "
        "claim + 1, attempts = attempts + 1, worker = ?3, claimed_at_ms = ?4, lease_until_ms = ?5 WHERE "
        "organization_id = "
        "?1 AND id IN (SELECT id FROM next) RETURNING {}, turn",
        skipping_locked(dialect), item_columns);
  });
  const auto now = now_ms();
  const std::array<Value, 6> parameters{organization_id_,
                                        queue.name,
                                        std::string(worker),
                                        now,
                                        now + (lease_ms > 0 ? lease_ms : queue.lease_ms),
                                        static_cast<std::int64_t>(count)};
  TRIUNE_ASSIGN(RowSet rows, session_.query(sql.in(session_.dialect()), parameters, count));
  // RETURNING has no order of its own.
  std::sort(rows.rows.begin(), rows.rows.end(), [](const auto& left, const auto& right) {
    return std::pair(-integer(left[4]), integer(left[16])) < std::pair(-integer(right[4]), integer(right[16]));
  });
  std::vector<QueueItem> claimed;
  for (const auto& row : rows.rows) claimed.push_back(item_of(row));
  return claimed;
}

Result<QueueItem> QueueStore::held(std::string_view id, std::int64_t claim) const {
  TRIUNE_ASSIGN(QueueItem item, find(id));
  if (item.state == "claimed" && item.claim == claim) return item;
  return failure(ErrorCode::conflict,
                 fmt::format("claim {} of item {} was lost: it is {}{}", claim, id, item.state,
                             item.state == "claimed" ? fmt::format(" by {} with claim {}", item.worker, item.claim)
                                                     : std::string()));
}

Status QueueStore::extend(std::string_view id, std::int64_t claim, std::int64_t lease_ms) const {
  TRIUNE_ASSIGN(const QueueItem item, held(id, claim));
  TRIUNE_ASSIGN(const QueueSettings queue, settings(item.queue));
  const std::array<Value, 3> lease{organization_id_, item.id, now_ms() + (lease_ms > 0 ? lease_ms : queue.lease_ms)};
  TRIUNE_TRY(session_.execute(
      "UPDATE triune_queue_items SET lease_until_ms = ?3 WHERE organization_id = ?1 AND id = ?2", lease));
  return {};
}

Status QueueStore::record(const QueueItem& item, std::string_view outcome, std::string_view message) const {
  if (item.task.empty()) return {};
  const auto now = now_ms();
  TRIUNE_TRY(TaskWriter(session_, organization_id_)
                 .record_execution(item.task, {.worker = item.worker,
                                               .outcome = std::string(outcome),
                                               .started_at_ms = std::min(now, item.claimed_at_ms.value_or(now)),
                                               .ended_at_ms = now,
                                               .message = std::string(message)}));
  return {};
}

Status QueueStore::complete(std::span<const QueueCompletion> completions) const {
  std::vector<QueueCompletion> left(completions.begin(), completions.end());
  // A server is asked once for all: a round trip for each would be most of the time.
  if (session_.dialect() == Dialect::postgres && completions.size() > 1) {
    TRIUNE_ASSIGN(left, complete_together(completions));
  }
  for (const auto& completion : left) TRIUNE_TRY(complete_one(completion));
  return {};
}

Result<std::vector<QueueCompletion>> QueueStore::complete_together(std::span<const QueueCompletion> completions) const {
  static const std::string sql = fmt::format(
      "UPDATE triune_queue_items SET state = 'completed', result = k.outcome, ended_at_ms = ?3, lease_until_ms = NULL, "
      "last_error = '' FROM json_to_recordset(CAST(?2 AS json)) AS k (item text, held bigint, outcome text) WHERE "
      "organization_id = ?1 AND id = k.item AND state = 'claimed' AND claim = k.held RETURNING {}",
      item_columns);
  std::string list;
  for (const auto& one : completions)
    list += fmt::format("{}{{\"item\":{},\"held\":{},\"outcome\":{}}}", list.empty() ? "[" : ",",
                        model::json_string(one.id), one.claim, model::json_string(one.result.text));
  // JSON would hold U+FFFD for what is no text; the store refuses that, of one completion.
  std::vector<QueueCompletion> left(completions.begin(), completions.end());
  if (list.find("\xEF\xBF\xBD") != std::string::npos) return left;
  const std::array<Value, 3> parameters{organization_id_, list + "]", now_ms()};
  TRIUNE_ASSIGN(const RowSet completed, session_.query(sql, parameters, completions.size()));
  std::set<std::pair<std::string, std::int64_t>> done;
  for (const auto& row : completed.rows) {
    const auto item = item_of(row);
    TRIUNE_TRY(record(item, "completed", {}));
    done.emplace(item.id, item.claim);
  }
  std::erase_if(left, [&](const QueueCompletion& one) { return done.contains({one.id, one.claim}); });
  return left;
}

Status QueueStore::complete_one(const QueueCompletion& completion) const {
  static const std::string sql = fmt::format(
      "UPDATE triune_queue_items SET state = 'completed', result = ?4, ended_at_ms = ?5, lease_until_ms = NULL, "
      "last_error = '' WHERE organization_id = ?1 AND id = ?2 AND state = 'claimed' AND claim = ?3 RETURNING {}",
      item_columns);
  const std::array<Value, 5> parameters{organization_id_, completion.id, completion.claim, completion.result.text,
                                        now_ms()};
  TRIUNE_ASSIGN(const RowSet completed, session_.query(sql, parameters, 1));
  if (!completed.rows.empty()) return record(item_of(completed.rows[0]), "completed", {});
  TRIUNE_ASSIGN(const QueueItem item, find(completion.id));
  if (item.state == "completed" && item.claim == completion.claim) return {};
  TRIUNE_TRY(held(completion.id, completion.claim));
  return {};
}

Status QueueStore::end_attempt(const QueueItem& item, const QueueSettings& queue, std::string_view error, bool final,
                               std::string_view outcome) const {
  const auto now = now_ms();
  const bool dead = final || item.attempts >= queue.max_attempts;
  const runtime::Backoff pauses{
      .first = std::chrono::milliseconds(std::max<std::int64_t>(queue.backoff_ms, 1)),
      .longest = std::chrono::milliseconds(std::max<std::int64_t>(queue.longest_backoff_ms, 1))};
  const auto pause = pauses.equal_jitter(static_cast<std::uint32_t>(std::max<std::int64_t>(item.attempts - 1, 0)),
                                         runtime::random_source()());
  const std::array<Value, 7> parameters{organization_id_,
                                        item.id,
                                        item.claim,
                                        std::string(dead ? "dead" : "waiting"),
                                        now + (queue.backoff_ms == 0 ? 0 : pause.count()),
                                        std::string(error),
                                        dead ? Value(now) : Value()};
  TRIUNE_TRY(record(item, outcome, error));
  TRIUNE_TRY(
      session_.execute("UPDATE triune_queue_items SET state = ?4, due_at_ms = ?5, last_error = ?6, ended_at_ms = "
                       "CAST(?7 AS bigint), lease_until_ms = NULL WHERE organization_id = ?1 AND id = ?2 AND state "
                       "= 'claimed' AND claim = ?3",
                       parameters));
  return {};
}

Status QueueStore::fail(const QueueFailure& failed) const {
  TRIUNE_ASSIGN(const QueueItem item, held(failed.id, failed.claim));
  TRIUNE_ASSIGN(const QueueSettings queue, settings(item.queue));
  return end_attempt(item, queue, failed.error, failed.final, "failed");
}

Status QueueStore::give_back(std::string_view id, std::int64_t claim) const {
  TRIUNE_ASSIGN(const QueueItem item, held(id, claim));
  const std::array<Value, 3> parameters{organization_id_, item.id, now_ms()};
  TRIUNE_TRY(record(item, "released", {}));
  TRIUNE_TRY(
      session_.execute("UPDATE triune_queue_items SET state = 'waiting', due_at_ms = ?3, attempts = attempts - 1, "
                       "lease_until_ms = NULL WHERE organization_id = ?1 AND id = ?2",
                       parameters));
  return {};
}

Status QueueStore::cancel(std::string_view id) const {
  TRIUNE_ASSIGN(const QueueItem item, find(id));
  if (item.state == "cancelled") return {};
  if (item.state == "completed" || item.state == "dead")
    return failure(ErrorCode::conflict, fmt::format("item {} has ended: it is {}", id, item.state));
  const std::array<Value, 3> parameters{organization_id_, item.id, now_ms()};
  TRIUNE_TRY(
      session_.execute("UPDATE triune_queue_items SET state = 'cancelled', ended_at_ms = ?3, lease_until_ms = NULL "
                       "WHERE organization_id = ?1 AND id = ?2",
                       parameters));
  return {};
}

Status QueueStore::revive(std::string_view id) const {
  TRIUNE_ASSIGN(const QueueItem item, find(id));
  if (item.state != "dead")
    return failure(ErrorCode::conflict, fmt::format("item {} is {}; only a dead one is revived", id, item.state));
  const std::array<Value, 3> parameters{organization_id_, item.id, now_ms()};
  TRIUNE_TRY(
      session_.execute("UPDATE triune_queue_items SET state = 'waiting', due_at_ms = ?3, attempts = 0, ended_at_ms "
                       "= NULL WHERE organization_id = ?1 AND id = ?2",
                       parameters));
  return {};
}

}  // namespace triune::modules::tasks
