#include "modules/tasks/workflow_store.h"

#include <fmt/format.h>

#include <array>

#include "base/try.h"
#include "modules/kit/module.h"
#include "modules/kit/rows.h"
#include "modules/tasks/cron.h"
#include "modules/tasks/queue_store.h"
#include "triune/ids.h"

namespace triune::modules::tasks {
namespace {

using contract::Dialect;

constexpr std::size_t deepest_stored = 512;
constexpr std::array<std::string_view, 4> status_words{"running", "completed", "failed", "cancelled"};

std::string json(const Document& document) {
  return document.dump(-1, ' ', false, Document::error_handler_t::replace);
}

/// What this module or a CHECK made sure of.
Result<Document> stored(const Value& cell) {
  return parse_document(text(cell), "a stored document", deepest_stored);
}

}  // namespace

Result<Workflow> WorkflowStore::find(std::string_view id_or_name) const {
  const std::array<Value, 2> key{organization_id_, std::string(id_or_name)};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session_.query("SELECT w.id, w.name, w.description, w.workflow_type, w.version, v.document, "
                     "w.created_at_ms, w.updated_at_ms FROM triune_workflows w JOIN triune_workflow_versions v "
                     "ON v.organization_id = w.organization_id AND v.workflow_id = w.id AND v.version = "
                     "w.version WHERE w.organization_id = ?1 AND (w.id = ?2 OR w.name = ?2) ORDER BY w.id <> "
                     "?2",
                     key, 1));
  if (rows.rows.empty())
    return failure(ErrorCode::not_found, fmt::format("there is no workflow {}; make it with `define`", id_or_name));
  const auto& row = rows.rows[0];
  return Workflow{text(row[0]),    text(row[1]),       text(row[2]),    text(row[3]),
                  integer(row[4]), Json{text(row[5])}, integer(row[6]), integer(row[7])};
}

Result<std::string> WorkflowStore::define(const NewWorkflow& workflow, const Definition& definition,
                                          const std::string& new_id) const {
  const std::array<Value, 2> name{organization_id_, workflow.name};
  TRIUNE_ASSIGN(const RowSet named,
                session_.query("SELECT id FROM triune_workflows WHERE organization_id = ?1 AND name = ?2", name, 1));
  const bool known = !named.rows.empty();
  const auto id = known ? text(named.rows[0][0]) : new_id;
  std::int64_t version = 1;
  if (known) {
    TRIUNE_ASSIGN(const Workflow there, find(id));
    if (there.document == workflow.document && there.description == workflow.description) return id;
    version = there.version + 1;
  }
  const auto now = now_ms();
  const std::array<Value, 7> row{
      organization_id_, id, workflow.name, workflow.description, std::string(to_string(definition.root.type)),
      version,          now};
  TRIUNE_TRY(session_.execute(
      known ? "UPDATE triune_workflows SET name = ?3, description = ?4, workflow_type = ?5, version = ?6, "
              "updated_at_ms = ?7 WHERE organization_id = ?1 AND id = ?2"
            : "INSERT INTO triune_workflows (organization_id, id, name, description, workflow_type, version, "
              "created_at_ms, updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
      row));
  const std::array<Value, 5> version_row{organization_id_, id, version, workflow.document.text, now};
  TRIUNE_TRY(
      session_.execute("INSERT INTO triune_workflow_versions (organization_id, workflow_id, version, document, "
                       "created_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                       version_row));
  return id;
}

Status WorkflowStore::start(const NewExecution& execution, const std::string& id,
                            const std::optional<DueTime>& due) const {
  TRIUNE_ASSIGN(const Workflow workflow, find(execution.workflow));
  TRIUNE_ASSIGN(const auto there, lock(id, true));
  if (there && there->workflow_id == workflow.id) return {};
  if (there)
    return failure(ErrorCode::conflict, fmt::format("execution {} is of workflow {}", id, there->row.workflow_name));
  TRIUNE_ASSIGN(const auto definition, parse_definition(workflow.document.text));
  const auto now = now_ms();
  const std::array<Value, 12> row{organization_id_,
                                  id,
                                  workflow.id,
                                  workflow.version,
                                  static_cast<std::int64_t>(execution.priority),
                                  execution.trigger_source,
                                  execution.trigger_data.text,
                                  due ? Value(due->schedule) : Value(),
                                  due ? Value(due->at_ms) : Value(),
                                  execution.input.text,
                                  definition->timeout_ms > 0 ? Value(now + definition->timeout_ms) : Value(),
                                  now};
  TRIUNE_TRY(
      session_.execute("INSERT INTO triune_workflow_executions (organization_id, id, workflow_id, version, priority, "
                       "trigger_source, trigger_data, schedule_id, scheduled_for_ms, input, due_at_ms, wake_at_ms, "
                       "started_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, CAST(?8 AS text), CAST(?9 AS bigint), ?10, "
                       "CAST(?11 AS bigint), ?12, ?12)",
                       row));
  TRIUNE_TRY(advance(id, now));
  return {};
}

Result<std::optional<WorkflowStore::Locked>> WorkflowStore::lock(std::string_view id, bool wait) const {
  const auto sql = fmt::format(
      "SELECT e.id, e.workflow_id, e.version, e.priority, e.paused_at_ms, w.name, e.status, e.ends_as, e.compensation, "
      "e.progress, e.input, e.trigger_data, e.output, e.error, e.due_at_ms, e.wake_at_ms, e.ended_at_ms FROM "
      "triune_workflow_executions e JOIN triune_workflows w ON w.organization_id = e.organization_id AND w.id = "
      "e.workflow_id WHERE e.organization_id = ?1 AND e.id = ?2{}",
      session_.dialect() == Dialect::sqlite ? ""
      : wait                                ? " FOR UPDATE OF e"
                                            : " FOR UPDATE OF e SKIP LOCKED");
  const std::array<Value, 2> key{organization_id_, std::string(id)};
  TRIUNE_ASSIGN(const RowSet rows, session_.query(sql, key, 1));
  if (rows.rows.empty()) return std::optional<Locked>();
  const auto& row = rows.rows[0];
  Locked locked{.workflow_id = text(row[1]), .version = integer(row[2]), .priority = integer(row[3])};
  locked.paused_at_ms = optional_integer(row[4]);
  auto& execution = locked.row;
  execution = {.id = text(row[0]), .workflow_name = text(row[5]), .status = text(row[6]), .ends_as = text(row[7])};
  execution.compensation = text(row[8]);
  execution.progress = real(row[9]);
  TRIUNE_ASSIGN(execution.input, stored(row[10]));
  TRIUNE_ASSIGN(execution.trigger, stored(row[11]));
  TRIUNE_ASSIGN(execution.output, stored(row[12]));
  execution.error = text(row[13]);
  execution.due_at_ms = optional_integer(row[14]);
  execution.wake_at_ms = optional_integer(row[15]);
  execution.ended_at_ms = optional_integer(row[16]);
  return std::optional<Locked>(std::move(locked));
}

Result<WorkflowStore::Locked> WorkflowStore::lock_running(std::string_view id) const {
  TRIUNE_ASSIGN(auto locked, lock(id, true));
  if (!locked) return failure(ErrorCode::not_found, fmt::format("there is no execution {}", id));
  if (locked->row.ended_at_ms)
    return failure(ErrorCode::conflict, fmt::format("execution {} has ended: it is {}", id, locked->row.status));
  return std::move(*locked);
}

Result<std::shared_ptr<const Definition>> WorkflowStore::definition_of(const Locked& execution) const {
  const std::array<Value, 3> key{organization_id_, execution.workflow_id, execution.version};
  TRIUNE_ASSIGN(const RowSet rows,
                session_.query("SELECT document FROM triune_workflow_versions WHERE organization_id = ?1 AND "
                               "workflow_id = ?2 AND version = ?3",
                               key, 1));
  return parse_definition(text(rows.rows.at(0).at(0)));
}

Status WorkflowStore::load_steps(const std::string& id, WorkflowMachine::State& state) const {
  const std::array<Value, 2> key{organization_id_, id};
  TRIUNE_ASSIGN(const RowSet rows,
                session_.query("SELECT key, name, step_type, status, attempt, iteration, place, item_id, data, output, "
                               "error, due_at_ms, started_at_ms, ended_at_ms FROM triune_workflow_steps WHERE "
                               "organization_id = ?1 AND execution_id = ?2",
                               key, 2 * most_execution_steps));
  for (const auto& row : rows.rows) {
    auto& step = state.steps[text(row[0])];
    step = {.key = text(row[0]), .name = text(row[1]), .type = text(row[2])};
    const auto* const word = std::find(status_words.begin(), status_words.end(), text(row[3]));
    step.status = static_cast<StepStatus>(word - status_words.begin());
    step.attempt = integer(row[4]);
    step.iteration = integer(row[5]);
    step.place = integer(row[6]);
    step.item = text(row[7]);
    TRIUNE_ASSIGN(step.data, stored(row[8]));
    TRIUNE_ASSIGN(step.output, stored(row[9]));
    step.error = text(row[10]);
    step.due_at_ms = optional_integer(row[11]);
    step.started_at_ms = integer(row[12]);
    step.ended_at_ms = optional_integer(row[13]);
    step.at = iterations_of(step.key);
  }
  return {};
}

Status WorkflowStore::load(const Locked& execution, WorkflowMachine::State& state) const {
  state.execution = execution.row;
  TRIUNE_TRY(load_steps(execution.row.id, state));
  const std::array<Value, 2> key{organization_id_, execution.row.id};
  // Held, so that a worker cannot end one that is being taken out.
  const auto sql = fmt::format(
      "SELECT i.id, i.state, i.result, i.last_error FROM triune_workflow_steps s JOIN triune_queue_items i ON "
      "i.organization_id = s.organization_id AND i.id = s.item_id WHERE s.organization_id = ?1 AND s.execution_id = ?2 "
      "AND s.status = 'running' ORDER BY i.id{}",
      session_.dialect() == Dialect::sqlite ? "" : " FOR UPDATE OF i");
  TRIUNE_ASSIGN(const RowSet items, session_.query(sql, key, 2 * most_execution_steps));
  for (const auto& row : items.rows) state.items[text(row[0])] = {text(row[1]), text(row[2]), text(row[3])};
  const std::array<Value, 1> organization{organization_id_};
  TRIUNE_ASSIGN(const RowSet queues, session_.query("SELECT name FROM triune_queues WHERE organization_id = ?1",
                                                    organization, 2 * most_execution_steps));
  for (const auto& row : queues.rows) state.queues.insert(text(row[0]));
  return {};
}

Status WorkflowStore::run(const Locked& execution, std::int64_t now,
                          const std::function<void(WorkflowMachine&)>& change, bool& ended) const {
  TRIUNE_ASSIGN(const auto definition, definition_of(execution));
  WorkflowMachine::State state;
  TRIUNE_TRY(load(execution, state));
  WorkflowMachine machine(*definition, state, now);
  if (change) change(machine);
  machine.run();
  ended = state.execution.ended_at_ms.has_value();
  return save(execution, state, machine);
}

Result<WorkflowStore::Advanced> WorkflowStore::advance(const std::string& id, std::int64_t now) const {
  TRIUNE_ASSIGN(const auto locked, lock(id, false));
  Advanced advanced;
  if (locked && locked->paused_at_ms) return advanced;
  if (locked && !locked->row.ended_at_ms) {
    TRIUNE_TRY(run(*locked, now, {}, advanced.ended));
    advanced.taken = true;
    return advanced;
  }
  if (!locked) {
    const std::array<Value, 2> key{organization_id_, id};
    TRIUNE_ASSIGN(const RowSet rows, session_.query("SELECT 1 FROM triune_workflow_executions WHERE organization_id = "
                                                    "?1 AND id = ?2",
                                                    key, 1));
    if (!rows.rows.empty()) return advanced;  // another is at it
  }
  TRIUNE_TRY(drop_wakes(id));
  return advanced;
}

Status WorkflowStore::drop_wakes(std::string_view execution) const {
  const std::array<Value, 2> key{organization_id_, std::string(execution)};
  TRIUNE_TRY(
      session_.execute("DELETE FROM triune_workflow_wakes WHERE organization_id = ?1 AND execution_id = ?2", key));
  return {};
}

Status WorkflowStore::save(const Locked& execution, const WorkflowMachine::State& state,
                           const WorkflowMachine& machine) const {
  const QueueStore queues(session_, organization_id_);
  for (const auto& id : machine.cancels()) TRIUNE_TRY(queues.cancel(id));
  for (const auto& put : machine.puts()) {
    TRIUNE_ASSIGN(const QueueSettings queue, queues.settings(put.queue));
    const NewQueueItem item{.id = put.id,
                            .lane = execution.workflow_id,
                            .priority = static_cast<TaskPriority>(execution.priority),
                            .payload = Json{json(put.payload)}};
    TRIUNE_TRY(queues.put(queue, item, put.id));
  }
  for (const auto& [key, step] : state.steps)
    if (step.changed || step.is_new) TRIUNE_TRY(save_step(execution.row.id, step));
  TRIUNE_TRY(save_execution(state.execution));
  return drop_wakes(execution.row.id);
}

Status WorkflowStore::save_step(const std::string& execution, const StepRow& step) const {
  const std::array<Value, 16> row{organization_id_,
                                  execution,
                                  step.key,
                                  std::string(status_words[static_cast<std::size_t>(step.status)]),
                                  step.attempt,
                                  step.iteration,
                                  step.place,
                                  text_or_null(step.item),
                                  json(step.output),
                                  step.error,
                                  or_null(step.due_at_ms),
                                  or_null(step.ended_at_ms),
                                  step.name,
                                  step.type,
                                  json(step.data),
                                  step.started_at_ms};
  if (step.is_new) {
    TRIUNE_TRY(session_.execute(
        "INSERT INTO triune_workflow_steps (organization_id, execution_id, key, status, attempt, iteration, place, "
        "item_id, output, error, due_at_ms, ended_at_ms, name, step_type, data, started_at_ms) VALUES (?1, ?2, ?3, ?4, "
        "?5, ?6, ?7, CAST(?8 AS text), ?9, ?10, CAST(?11 AS bigint), CAST(?12 AS bigint), ?13, ?14, ?15, ?16)",
        row));
    return {};
  }
  TRIUNE_TRY(session_.execute(
      "UPDATE triune_workflow_steps SET status = ?4, attempt = ?5, iteration = ?6, place = ?7, item_id = CAST(?8 AS "
      "text), output = ?9, error = ?10, due_at_ms = CAST(?11 AS bigint), ended_at_ms = CAST(?12 AS bigint) WHERE "
      "organization_id = ?1 AND execution_id = ?2 AND key = ?3",
      std::span(row).first(12)));
  return {};
}

Status WorkflowStore::save_execution(const ExecutionRow& execution) const {
  const std::array<Value, 11> row{organization_id_,
                                  execution.id,
                                  execution.status,
                                  execution.ends_as,
                                  execution.compensation,
                                  execution.progress,
                                  json(execution.output),
                                  execution.error,
                                  or_null(execution.due_at_ms),
                                  or_null(execution.wake_at_ms),
                                  or_null(execution.ended_at_ms)};
  TRIUNE_TRY(session_.execute(
      "UPDATE triune_workflow_executions SET status = ?3, ends_as = ?4, compensation = ?5, progress = ?6, output = ?7, "
      "error = ?8, due_at_ms = CAST(?9 AS bigint), wake_at_ms = CAST(?10 AS bigint), ended_at_ms = CAST(?11 AS bigint) "
      "WHERE organization_id = ?1 AND id = ?2",
      row));
  return {};
}

}  // namespace triune::modules::tasks
