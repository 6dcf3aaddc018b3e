// Of WorkflowStore: who is to be taken on, what people do to executions, and schedules.
#include <fmt/format.h>

#include <array>
#include <set>

#include "base/try.h"
#include "modules/kit/module.h"
#include "modules/kit/rows.h"
#include "modules/tasks/cron.h"
#include "modules/tasks/workflow_store.h"
#include "triune/ids.h"

namespace triune::modules::tasks {

using contract::Dialect;

Result<std::vector<std::string>> WorkflowStore::awake(std::size_t limit, std::int64_t now) const {
  const std::array<Value, 3> by_time{organization_id_, static_cast<std::int64_t>(limit), now};
  TRIUNE_ASSIGN(const RowSet timed,
                session_.query("SELECT id FROM triune_workflow_executions WHERE organization_id = ?1 AND wake_at_ms <= "
                               "?3 AND wake_at_ms IS NOT NULL AND paused_at_ms IS NULL ORDER BY wake_at_ms LIMIT ?2",
                               by_time, limit));
  TRIUNE_ASSIGN(const RowSet woken,
                session_.query("SELECT DISTINCT w.execution_id FROM triune_workflow_wakes w LEFT JOIN "
                               "triune_workflow_executions e ON e.organization_id = w.organization_id AND e.id = "
                               "w.execution_id WHERE w.organization_id = ?1 AND e.paused_at_ms IS NULL LIMIT ?2",
                               std::span(by_time).first(2), limit));
  std::set<std::string> ids;
  for (const auto& row : timed.rows) ids.insert(text(row[0]));
  for (const auto& row : woken.rows)
    if (ids.size() < limit) ids.insert(text(row[0]));
  return std::vector<std::string>(ids.begin(), ids.end());
}

Status WorkflowStore::pause(std::string_view id) const {
  TRIUNE_ASSIGN(const Locked execution, lock_running(id));
  if (execution.paused_at_ms) return {};
  const std::array<Value, 3> parameters{organization_id_, std::string(id), now_ms()};
  TRIUNE_TRY(session_.execute(
      "UPDATE triune_workflow_executions SET paused_at_ms = ?3 WHERE organization_id = ?1 AND id = ?2", parameters));
  TRIUNE_TRY(session_.execute(
      "UPDATE triune_queue_items SET state = 'blocked' WHERE organization_id = ?1 AND state IN ('waiting', 'ready') "
      "AND "
      "id IN (SELECT item_id FROM triune_workflow_steps WHERE organization_id = ?1 AND execution_id = ?2 AND status = "
      "'running' AND item_id IS NOT NULL)",
      std::span(parameters).first(2)));
  return {};
}

Status WorkflowStore::resume(std::string_view id) const {
  TRIUNE_ASSIGN(const Locked execution, lock_running(id));
  if (!execution.paused_at_ms) return {};
  const auto now = now_ms();
  const std::array<Value, 4> parameters{organization_id_, std::string(id), now - *execution.paused_at_ms, now};
  const auto times = std::span(parameters).first(3);
  TRIUNE_TRY(
      session_.execute("UPDATE triune_workflow_executions SET paused_at_ms = NULL, due_at_ms = due_at_ms + ?3, "
                       "wake_at_ms = wake_at_ms + "
                       "?3 WHERE organization_id = ?1 AND id = ?2",
                       times));
  TRIUNE_TRY(
      session_.execute("UPDATE triune_workflow_steps SET due_at_ms = due_at_ms + ?3 WHERE organization_id = ?1 AND "
                       "execution_id = ?2 AND status = 'running' AND due_at_ms IS NOT NULL",
                       times));
  const std::array<Value, 2> key{parameters[0], parameters[1]};
  TRIUNE_TRY(session_.execute(
      "UPDATE triune_queue_items SET state = 'waiting' WHERE organization_id = ?1 AND state = 'blocked' AND task_id IS "
      "NULL AND id IN (SELECT item_id FROM triune_workflow_steps WHERE organization_id = ?1 AND execution_id = ?2 AND "
      "status = 'running' AND item_id IS NOT NULL)",
      key));
  return {};
}

Status WorkflowStore::cancel(std::string_view id, std::string_view reason) const {
  TRIUNE_ASSIGN(const auto there, lock(id, true));
  if (there && there->row.status == "cancelled") return {};
  TRIUNE_TRY(resume(id));
  TRIUNE_ASSIGN(const Locked execution, lock_running(id));
  if (execution.row.status == "compensating") return {};
  bool ended = false;
  return run(
      execution, now_ms(),
      [&](WorkflowMachine& machine) {
        machine.begin_ending("cancelled", reason.empty() ? "cancelled" : std::string(reason));
      },
      ended);
}

Status WorkflowStore::schedule(const WorkflowSchedule& schedule, const std::string& id) const {
  TRIUNE_ASSIGN(const Workflow workflow, find(schedule.workflow));
  const auto now = now_ms();
  auto next = schedule.next_at_ms;
  if (next == 0 && schedule.cron.empty()) next = now + schedule.every_ms;
  if (next == 0) {
    TRIUNE_ASSIGN(const Cron cron, Cron::parse(schedule.cron));
    next = cron.next(now);
  }
  const std::array<Value, 2> key{organization_id_, id};
  TRIUNE_TRY(session_.execute("DELETE FROM triune_workflow_schedules WHERE organization_id = ?1 AND id = ?2", key));
  const std::array<Value, 8> row{organization_id_,
                                 id,
                                 workflow.id,
                                 schedule.every_ms > 0 ? Value(schedule.every_ms) : Value(),
                                 text_or_null(schedule.cron),
                                 schedule.input.text,
                                 next,
                                 now};
  TRIUNE_TRY(session_.execute(
      "INSERT INTO triune_workflow_schedules (organization_id, id, workflow_id, every_ms, cron, input, "
      "next_at_ms, created_at_ms) VALUES (?1, ?2, ?3, CAST(?4 AS bigint), CAST(?5 AS text), ?6, ?7, "
      "?8)",
      row));
  return {};
}

Result<std::int64_t> WorkflowStore::start_due(std::size_t limit, std::int64_t now) const {
  const auto sql = fmt::format(
      "SELECT id, workflow_id, every_ms, cron, input, next_at_ms FROM triune_workflow_schedules WHERE organization_id "
      "= "
      "?1 AND next_at_ms <= ?2 ORDER BY next_at_ms LIMIT ?3{}",
      session_.dialect() == Dialect::sqlite ? "" : " FOR UPDATE SKIP LOCKED");
  const std::array<Value, 3> parameters{organization_id_, now, static_cast<std::int64_t>(limit)};
  TRIUNE_ASSIGN(const RowSet due, session_.query(sql, parameters, limit));
  for (const auto& row : due.rows) TRIUNE_TRY(start_one(row, now));
  return static_cast<std::int64_t>(due.rows.size());
}

Status WorkflowStore::start_one(const std::vector<Value>& schedule, std::int64_t now) const {
  const auto due = integer(schedule[5]);
  const auto every = integer(schedule[2]);
  auto next = every > 0 ? due + (std::max<std::int64_t>(now - due, 0) / every + 1) * every : 0;
  if (every == 0) {
    TRIUNE_ASSIGN(const Cron cron, Cron::parse(text(schedule[3])));
    next = cron.next(std::max(now, due));
  }
  const NewExecution execution{.workflow = text(schedule[1]),
                               .input = Json{text(schedule[4])},
                               .trigger_source = "scheduled",
                               .trigger_data = Json{fmt::format(R"({{"scheduled_for_ms":{}}})", due)}};
  const std::array<Value, 3> started{organization_id_, schedule[0], due};
  TRIUNE_ASSIGN(
      const RowSet before,
      session_.query("SELECT 1 FROM triune_workflow_executions WHERE organization_id = ?1 AND schedule_id = ?2 "
                     "AND scheduled_for_ms = ?3",
                     started, 1));
  if (before.rows.empty()) TRIUNE_TRY(start(execution, new_id(), DueTime{text(schedule[0]), due}));
  const std::array<Value, 4> moved{organization_id_, schedule[0], next, due};
  TRIUNE_TRY(
      session_.execute("UPDATE triune_workflow_schedules SET next_at_ms = ?3, last_at_ms = ?4 WHERE "
                       "organization_id = ?1 AND id = ?2",
                       moved));
  return {};
}

}  // namespace triune::modules::tasks
