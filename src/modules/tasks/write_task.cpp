#include "modules/tasks/write_task.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "base/try.h"
#include "modules/kit/module.h"
#include "modules/kit/rows.h"
#include "modules/tasks/task_rows.h"

namespace triune::modules::tasks {
namespace {

/// The columns that an update sets, with their values behind ?3.
class Assignments {
 public:
  void add(std::string_view column, Value value) {
    values_.push_back(std::move(value));
    text_ += fmt::format("{}{} = ?{}", text_.empty() ? "" : ", ", column, values_.size() + 2);
  }
  /// An expression without a value of its own.
  void add_expression(std::string_view assignment) { text_ += (text_.empty() ? "" : ", ") + std::string(assignment); }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::vector<Value> parameters(std::int64_t organization_id, std::string_view id) const {
    std::vector<Value> all{organization_id, std::string(id)};
    all.insert(all.end(), values_.begin(), values_.end());
    return all;
  }

 private:
  std::string text_;
  std::vector<Value> values_;
};

Status check_transition(const Task& task, TaskStatus next) {
  if (may_follow(task.status, next)) return {};
  return failure(ErrorCode::conflict,
                 fmt::format("task {} is {} and cannot become {}; triune_task_transitions lists what "
                             "may follow",
                             task.id, to_string(task.status), to_string(next)));
}

/// What a change of status brings along.
void add_status(Assignments& to, TaskStatus status, const TaskUpdate& update, std::int64_t now) {
  to.add("status", std::string(to_string(status)));
  using enum TaskStatus;
  if (status == in_progress) {
    to.add("started_at_ms", now);
    to.add_expression("ended_at_ms = NULL");
  }
  if (status == completed || status == failed || status == cancelled) to.add("ended_at_ms", now);
  if (status == completed && !update.progress) to.add("progress", 100.0);
  if (status == pending) to.add_expression("ended_at_ms = NULL");
}

Assignments assignments_of(const TaskUpdate& update, std::int64_t now) {
  Assignments to;
  if (update.name) to.add("name", *update.name);
  if (update.description) to.add("description", *update.description);
  if (update.parent) to.add("parent_id", text_or_null(*update.parent));
  if (update.status) add_status(to, *update.status, update, now);
  if (update.priority) to.add("priority", static_cast<std::int64_t>(*update.priority));
  if (update.progress) to.add("progress", *update.progress);
  if (update.assigned_to) {
    to.add("assigned_to", text_or_null(*update.assigned_to));
    if (!update.assigned_to->empty()) to.add("assigned_at_ms", now);
  }
  if (update.configuration) to.add("configuration", update.configuration->text);
  if (update.output) to.add("output", update.output->text);
  if (update.error) to.add("error", *update.error);
  if (update.due_at_ms) to.add("due_at_ms", *update.due_at_ms);
  if (update.scheduled_at_ms) to.add("scheduled_at_ms", *update.scheduled_at_ms);
  if (update.quality) to.add("quality", *update.quality);
  if (update.tags) to.add("tags", update.tags->text);
  to.add("updated_at_ms", now);
  return to;
}

Status explain(Status status, std::string_view what) {
  if (!status) status.error().message = fmt::format("{}: {}", what, status.error().message);
  return status;
}

}  // namespace

Result<Task> find_task(contract::RelationalSession& session, std::int64_t organization_id, std::string_view id) {
  static const std::string sql =
      fmt::format("SELECT {} FROM triune_tasks WHERE organization_id = ?1 AND id = ?2", task_columns);
  const std::array<Value, 2> key{organization_id, std::string(id)};
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, key, 1));
  if (rows.rows.empty()) return failure(ErrorCode::not_found, fmt::format("there is no task {}", id));
  return task_of(rows.rows[0]);
}

Result<TaskWriter::Defaults> TaskWriter::defaults_of(const std::string& named) const {
  if (named.empty()) return Defaults{};
  const std::array<Value, 2> key{organization_id_, named};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session_.query("SELECT id, task_type, max_retries FROM triune_task_definitions WHERE organization_id = ?1 "
                     "AND (id = ?2 OR name = ?2) ORDER BY id = ?2 DESC LIMIT 1",
                     key, 1));
  if (rows.rows.empty()) return failure(ErrorCode::not_found, fmt::format("there is no task definition {}", named));
  return Defaults{rows.rows[0][0], text(rows.rows[0][1]), integer(rows.rows[0][2])};
}

Status TaskWriter::create(const NewTask& task, const std::string& id, const std::string& created_by) const {
  TRIUNE_ASSIGN(const Defaults defaults, defaults_of(task.definition));
  if (!task.parent.empty()) TRIUNE_TRY(find_task(session_, organization_id_, task.parent));
  const auto now = now_ms();
  const std::array<Value, 22> row{organization_id_,
                                  id,
                                  defaults.id,
                                  text_or_null(task.parent),
                                  task.name,
                                  task.description,
                                  task.task_type.empty() ? defaults.task_type : task.task_type,
                                  std::string(to_string(task.status)),
                                  static_cast<std::int64_t>(task.priority),
                                  text_or_null(task.assigned_to),
                                  created_by,
                                  task.configuration.text,
                                  task.input.text,
                                  or_null(task.due_at_ms),
                                  task.scheduled_at_ms,
                                  or_null(task.estimated_minutes),
                                  task.max_retries.value_or(defaults.max_retries),
                                  text_or_null(task.external_id),
                                  text_or_null(task.external_url),
                                  task.tags.text,
                                  now,
                                  task.assigned_to.empty() ? Value() : Value(now)};
  // SQLite counts up itself, its only writer sees every task; PostgreSQL takes the next of a sequence.
  const std::string_view ordinal =
      session_.dialect() == contract::Dialect::sqlite
          ? "1 + (SELECT coalesce(max(ordinal), 0) FROM triune_tasks WHERE organization_id = ?1)"
          : "0";
  auto made = session_.execute(
      fmt::format(
          "INSERT INTO triune_tasks (organization_id, id, definition_id, parent_id, name, description, task_type, "
          "status, priority, assigned_to, created_by, configuration, input, due_at_ms, scheduled_at_ms, "
          "estimated_minutes, max_retries, external_id, external_url, tags, created_at_ms, updated_at_ms, "
          "assigned_at_ms, ordinal) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, "
          "?17, ?18, ?19, ?20, ?21, ?21, ?22, {})",
          ordinal),
      row);
  return explain(made ? Status() : Status(std::unexpected<Error>(made.error())), fmt::format("task {}", id));
}

Status TaskWriter::update(std::string_view id, const TaskUpdate& update) const {
  TRIUNE_ASSIGN(const Task task, find_task(session_, organization_id_, id));
  if (update.status) TRIUNE_TRY(check_transition(task, *update.status));
  if (update.parent && !update.parent->empty()) TRIUNE_TRY(find_task(session_, organization_id_, *update.parent));
  const auto assignments = assignments_of(update, now_ms());
  auto changed = session_.execute(
      fmt::format("UPDATE triune_tasks SET {} WHERE organization_id = ?1 AND id = ?2", assignments.text()),
      assignments.parameters(organization_id_, id));
  return explain(changed ? Status() : Status(std::unexpected<Error>(changed.error())), fmt::format("task {}", id));
}

Status TaskWriter::depend(const TaskDependency& dependency) const {
  for (const auto& end : {dependency.source, dependency.target}) TRIUNE_TRY(find_task(session_, organization_id_, end));
  const std::array<Value, 8> row{
      organization_id_,     dependency.source,   dependency.target, dependency.type, std::int64_t{dependency.hard},
      dependency.condition, dependency.delay_ms, now_ms()};
  auto made = session_.execute(
      "INSERT INTO triune_task_dependencies (organization_id, source_id, target_id, dependency_type, hard, condition, "
      "delay_ms, created_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (organization_id, source_id, "
      "target_id, dependency_type) DO UPDATE SET hard = excluded.hard, condition = excluded.condition, delay_ms = "
      "excluded.delay_ms",
      row);
  return explain(made ? Status() : Status(std::unexpected<Error>(made.error())),
                 fmt::format("task {} {} {}", dependency.source, dependency.type, dependency.target));
}

Result<std::int64_t> TaskWriter::record_execution(std::string_view task, const TaskExecution& execution) const {
  const std::array<Value, 2> key{organization_id_, std::string(task)};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session_.query("SELECT coalesce(max(number), 0) + 1 FROM triune_task_executions WHERE organization_id = ?1 "
                     "AND task_id = ?2",
                     key, 1));
  const auto number = integer(rows.rows.at(0).at(0));
  const std::array<Value, 9> row{organization_id_,      std::string(task), number,
                                 execution.worker,      execution.outcome, execution.started_at_ms,
                                 execution.ended_at_ms, execution.message, execution.data.text};
  TRIUNE_TRY(
      session_.execute("INSERT INTO triune_task_executions (organization_id, task_id, number, worker, outcome, "
                       "started_at_ms, ended_at_ms, "
                       "message, data) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                       row));
  return number;
}

}  // namespace triune::modules::tasks
