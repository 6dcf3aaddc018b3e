#include "triune/modules/tasks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "modules/kit/module.h"
#include "modules/kit/rows.h"
#include "modules/tasks/definition.h"
#include "modules/tasks/task_rows.h"
#include "modules/tasks/write_task.h"
#include "triune/ids.h"

namespace triune {
namespace {

using namespace modules;
using namespace modules::tasks;
using contract::RelationalSession;

constexpr std::size_t most_rows = 10'000;
constexpr std::size_t most_created = 100'000;
constexpr std::int64_t day_ms = 86'400'000;

Deadline patience() {
  return Deadline::after(std::chrono::seconds(30));
}

/// "2026-11-21" of a day since 1970.
std::string date_of(std::int64_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

class StoredTasks final : public Tasks {
 public:
  explicit StoredTasks(Module module) : module_(std::move(module)) {}

  Result<std::string> define(const TaskDefinition& definition, const Actor& actor) override {
    const auto id = definition.id.empty() ? new_id() : definition.id;
    const std::array<Value, 14> row{organization(),
                                    id,
                                    definition.name,
                                    definition.task_type,
                                    definition.category,
                                    definition.description,
                                    definition.default_configuration.text,
                                    definition.required_inputs.text,
                                    definition.expected_outputs.text,
                                    definition.execution_mode,
                                    definition.timeout_ms,
                                    definition.max_retries,
                                    definition.tags.text,
                                    now_ms()};
    TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
      TRIUNE_TRY(session.execute(
          "INSERT INTO triune_task_definitions (organization_id, id, name, task_type, category, description, "
          "default_configuration, required_inputs, expected_outputs, execution_mode, timeout_ms, max_retries, tags, "
          "created_at_ms, updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?14)",
          row));
      return {};
    }));
    return id;
  }

  Result<std::string> create(const NewTask& task, const Actor& actor) override {
    TRIUNE_ASSIGN(auto ids, create_many(std::span(&task, 1), actor));
    return std::move(ids.front());
  }

  Result<std::vector<std::string>> create_many(std::span<const NewTask> tasks, const Actor& actor) override {
    if (tasks.size() > most_created)
      return failure(ErrorCode::resource_exhausted,
                     fmt::format("at most {} tasks are made at once, not {}; split them", most_created, tasks.size()));
    std::vector<std::string> ids;
    for (const auto& task : tasks) ids.push_back(task.id.empty() ? new_id() : task.id);
    TRIUNE_TRY(write(actor, [&](RelationalSession& session) -> Status {
      const TaskWriter writer(session, organization());
      for (std::size_t i = 0; i < tasks.size(); ++i) {
        auto made = writer.create(tasks[i], ids[i], actor.id);
        if (made) continue;
        if (tasks.size() > 1) made.error().message = fmt::format("task {}: {}", i + 1, made.error().message);
        return made;
      }
      return {};
    }));
    return ids;
  }

  Result<Task> get(std::string_view id) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    return find_task(*session, organization(), id);
  }

  Result<std::vector<Task>> list(const TaskFilter& filter) override {
    std::vector<Value> parameters{organization(), limited(filter.limit)};
    std::string where;
    const auto add = [&](std::string_view column, Value value) {
      parameters.push_back(std::move(value));
      where += fmt::format(" AND {} = ?{}", column, parameters.size());
    };
    if (filter.status) add("status", std::string(to_string(*filter.status)));
    if (!filter.assigned_to.empty()) add("assigned_to", filter.assigned_to);
    if (!filter.parent.empty()) add("parent_id", filter.parent);
    if (!filter.task_type.empty()) add("task_type", filter.task_type);
    return select(fmt::format("SELECT {} FROM triune_tasks WHERE organization_id = ?1{} "
                              "ORDER BY created_at_ms, id LIMIT ?2",
                              task_columns, where),
                  parameters);
  }

  Status update(std::string_view id, const TaskUpdate& update, const Actor& actor) override {
    return write(actor, [&](RelationalSession& session) -> Status {
      return TaskWriter(session, organization()).update(id, update);
    });
  }

  Status remove(std::string_view id, const Actor& actor) override {
    return write(actor, [&](RelationalSession& session) -> Status {
      TRIUNE_ASSIGN(const Task task, find_task(session, organization(), id));
      if (task.children > 0)
        return failure(ErrorCode::conflict,
                       fmt::format("task {} has {} parts; remove or move them first", id, task.children));
      const std::array<Value, 2> key{organization(), std::string(id)};
      TRIUNE_TRY(session.execute("DELETE FROM triune_tasks WHERE organization_id = ?1 AND id = ?2", key));
      return {};
    });
  }

  Status depend(const TaskDependency& dependency, const Actor& actor) override {
    return depend_many(std::span(&dependency, 1), actor);
  }

  Status depend_many(std::span<const TaskDependency> dependencies, const Actor& actor) override {
    return write(actor, [&](RelationalSession& session) -> Status {
      const TaskWriter writer(session, organization());
      for (const auto& dependency : dependencies) TRIUNE_TRY(writer.depend(dependency));
      return {};
    });
  }

  Status undepend(std::string_view source, std::string_view target, std::string_view type,
                  const Actor& actor) override {
    const std::array<Value, 4> key{organization(), std::string(source), std::string(target), std::string(type)};
    return write(actor, [&](RelationalSession& session) -> Status {
      TRIUNE_TRY(
          session.execute("DELETE FROM triune_task_dependencies WHERE organization_id = ?1 AND source_id = ?2 AND "
                          "target_id = ?3 AND dependency_type = ?4",
                          key));
      return {};
    });
  }

  Result<std::vector<TaskDependency>> dependencies(std::string_view id) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 2> key{organization(), std::string(id)};
    constexpr std::string_view columns =
        "SELECT source_id, target_id, dependency_type, hard, condition, delay_ms, satisfied FROM "
        "triune_task_dependencies WHERE organization_id = ?1 AND";
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query(fmt::format("{0} source_id = ?2 UNION ALL {0} target_id = ?2", columns), key, most_rows));
    std::vector<TaskDependency> found;
    for (const auto& row : rows.rows)
      found.push_back({text(row[0]), text(row[1]), text(row[2]), integer(row[3]) == 1, text(row[4]), integer(row[5]),
                       integer(row[6]) == 1});
    return found;
  }

  Result<std::vector<Task>> ready(std::size_t limit) override {
    const std::array<Value, 3> parameters{organization(), limited(limit), now_ms()};
    return select(fmt::format("SELECT {} FROM triune_tasks WHERE organization_id = ?1 AND status = 'pending' AND "
                              "unmet_dependencies = 0 AND scheduled_at_ms <= ?3 "
                              "ORDER BY priority DESC, scheduled_at_ms LIMIT ?2",
                              task_columns),
                  parameters);
  }

  Result<std::vector<Task>> descendants(std::string_view id, std::size_t limit) override {
    const std::array<Value, 3> parameters{organization(), limited(limit), std::string(id)};
    return select(
        fmt::format("WITH RECURSIVE below (task, depth) AS (SELECT id, 1 FROM triune_tasks WHERE organization_id "
                    "= ?1 AND parent_id = ?3 UNION ALL SELECT t.id, b.depth + 1 FROM below b JOIN triune_tasks t "
                    "ON t.organization_id = ?1 AND t.parent_id = b.task) SELECT {} FROM below JOIN triune_tasks "
                    "ON organization_id = ?1 AND id = task ORDER BY depth, created_at_ms, id LIMIT ?2",
                    task_columns),
        parameters);
  }

  Result<std::string> comment(std::string_view task, const TaskComment& comment, const Actor& actor) override {
    const auto id = comment.id.empty() ? new_id() : comment.id;
    const std::array<Value, 7> row{organization(),
                                   std::string(task),
                                   id,
                                   comment.author.empty() ? actor.id : comment.author,
                                   comment.type,
                                   comment.content,
                                   comment.created_at_ms == 0 ? now_ms() : comment.created_at_ms};
    TRIUNE_TRY(write_of(task, actor, [&](RelationalSession& session) -> Status {
      TRIUNE_TRY(
          session.execute("INSERT INTO triune_task_comments (organization_id, task_id, id, author, comment_type, "
                          "content, created_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                          row));
      return {};
    }));
    return id;
  }

  Result<std::vector<TaskComment>> comments(std::string_view task, std::size_t limit) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 3> parameters{organization(), limited(limit), std::string(task)};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query("SELECT id, author, comment_type, content, created_at_ms FROM triune_task_comments WHERE "
                       "organization_id = ?1 AND task_id = ?3 ORDER BY created_at_ms, id LIMIT ?2",
                       parameters, most_rows));
    std::vector<TaskComment> found;
    for (const auto& row : rows.rows)
      found.push_back({text(row[0]), text(row[1]), text(row[2]), text(row[3]), integer(row[4])});
    return found;
  }

  Result<std::int64_t> record_execution(std::string_view task, const TaskExecution& execution,
                                        const Actor& actor) override {
    std::int64_t number = 0;
    TRIUNE_TRY(write_of(task, actor, [&](RelationalSession& session) -> Status {
      TRIUNE_ASSIGN(number, TaskWriter(session, organization()).record_execution(task, execution));
      return {};
    }));
    return number;
  }

  Result<std::vector<TaskExecution>> executions(std::string_view task, std::size_t limit) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 3> parameters{organization(), limited(limit), std::string(task)};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query("SELECT number, worker, outcome, started_at_ms, ended_at_ms, message, data FROM "
                       "triune_task_executions WHERE organization_id = ?1 AND task_id = ?3 ORDER BY number LIMIT ?2",
                       parameters, most_rows));
    std::vector<TaskExecution> found;
    for (const auto& row : rows.rows)
      found.push_back({integer(row[0]), text(row[1]), text(row[2]), integer(row[3]), integer(row[4]), text(row[5]),
                       Json{text(row[6])}});
    return found;
  }

  Result<std::string> log_time(std::string_view task, std::string_view who, std::int64_t started_at_ms,
                               std::int64_t ended_at_ms, std::string_view note, const Actor& actor) override {
    const auto id = new_id();
    const std::array<Value, 7> row{organization(), std::string(task), id, std::string(who), started_at_ms,
                                   ended_at_ms,    std::string(note)};
    TRIUNE_TRY(write_of(task, actor, [&](RelationalSession& session) -> Status {
      TRIUNE_TRY(
          session.execute("INSERT INTO triune_task_times (organization_id, task_id, id, who, started_at_ms, "
                          "ended_at_ms, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                          row));
      return {};
    }));
    return id;
  }

  Status note_resources(std::string_view task, const TaskResources& resources, const Actor& actor) override {
    const std::array<Value, 10> row{organization(),
                                    std::string(task),
                                    resources.measured_at_ms == 0 ? now_ms() : resources.measured_at_ms,
                                    resources.source,
                                    or_null(resources.cpu_percent),
                                    or_null(resources.memory_mb),
                                    or_null(resources.storage_mb),
                                    or_null(resources.network_mb),
                                    or_null(resources.tokens),
                                    or_null(resources.cost_cents)};
    return write_of(task, actor, [&](RelationalSession& session) -> Status {
      TRIUNE_TRY(session.execute(
          "INSERT INTO triune_task_resources (organization_id, task_id, measured_at_ms, source, cpu_percent, "
          "memory_mb, "
          "storage_mb, network_mb, tokens, cost_cents) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
          row));
      return {};
    });
  }

  Result<std::vector<TaskDay>> summary(std::size_t days) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const auto first = now_ms() / day_ms - static_cast<std::int64_t>(std::min(days, most_rows)) + 1;
    const std::array<Value, 2> parameters{organization(), first};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query("SELECT day, status, CAST(sum(tasks) AS bigint) FROM triune_task_days WHERE organization_id = "
                       "?1 AND day >= ?2 GROUP BY day, status HAVING sum(tasks) > 0 ORDER BY day DESC, status",
                       parameters, most_rows));
    std::vector<TaskDay> found;
    for (const auto& row : rows.rows) {
      TRIUNE_ASSIGN(const auto status, parse_task_status(text(row[1])));
      found.push_back({date_of(integer(row[0])), status, integer(row[2])});
    }
    return found;
  }

 private:
  [[nodiscard]] std::int64_t organization() const { return module_.organization_id(); }
  static std::int64_t limited(std::size_t limit) { return static_cast<std::int64_t>(std::min(limit, most_rows)); }

  Status write(const Actor& actor, const contract::WriteJob& job) const {
    TRIUNE_TRY(module_.write(actor, job, patience()));
    return {};
  }

  /// Something of a task, which must exist.
  Status write_of(std::string_view task, const Actor& actor, const contract::WriteJob& job) const {
    return write(actor, [&](RelationalSession& session) -> Status {
      TRIUNE_TRY(find_task(session, organization(), task));
      return job(session);
    });
  }

  Result<std::vector<Task>> select(std::string_view sql, std::span<const Value> parameters) const {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    TRIUNE_ASSIGN(const RowSet rows, session->query(sql, parameters, most_rows));
    return tasks_of(rows);
  }

  Module module_;
};

}  // namespace

Result<std::unique_ptr<Tasks>> Tasks::open(Hive& hive) {
  TRIUNE_ASSIGN(auto module, modules::Module::open(hive, modules::tasks::definition()));
  return std::unique_ptr<Tasks>(std::make_unique<StoredTasks>(std::move(module)));
}

}  // namespace triune
