// Tasks: what is to be done, what it depends on, what came of it.
//
//   auto tasks = triune::Tasks::open(*hive);
//   auto build = (*tasks)->create({.name = "build"});
//   auto test = (*tasks)->create({.name = "test"});
//   (*tasks)->depend({.source = *test, .target = *build});
//   (*tasks)->ready();  // build
//
// Times are milliseconds since 1970; documents are JSON text. Thread rule: every method may be called from any thread.
// Methods that write block until the change is durable (I1). Integrity is kept by the store itself, whoever writes.
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

namespace triune {

/// The canonical statuses. What may follow which is in triune_task_transitions:
///
///   draft ─▶ pending ─▶ assigned ─▶ in_progress ─▶ review ─▶ completed ─▶ archived
///               ▲          └─────▶ blocked ◀────┘    └──▶ failed ─▶ pending (tried again)
///               └───────────────────┘                     cancelled ─▶ pending (taken up again)
enum class TaskStatus : std::uint8_t {
  draft,
  pending,
  assigned,
  in_progress,
  blocked,
  review,
  completed,
  failed,
  cancelled,
  archived
};

/// The word for a status ("in_progress"), and back.
std::string_view to_string(TaskStatus status) noexcept;
Result<TaskStatus> parse_task_status(std::string_view word);
/// The canonical status of a word that any of the systems Triune imports from uses ("todo", "in_review", "executing",
/// "waiting_dependency"). Upper case and hyphens are taken too. Error: `invalid_argument` that lists what is known.
Result<TaskStatus> canonical_task_status(std::string_view word);
/// Whether `next` may follow `now`.
bool may_follow(TaskStatus now, TaskStatus next) noexcept;

enum class TaskPriority : std::uint8_t { low, normal, high, urgent, critical };
std::string_view to_string(TaskPriority priority) noexcept;
Result<TaskPriority> parse_task_priority(std::string_view word);

/// A kind of task, with what new ones of it start with.
struct TaskDefinition {
  std::string id;    ///< Empty: a new UUIDv7.
  std::string name;  ///< Unique in the organization.
  std::string task_type = "custom";
  std::string category;
  std::string description;
  Json default_configuration{"{}"};
  Json required_inputs{"[]"};
  Json expected_outputs{"[]"};
  std::string execution_mode = "automatic";  ///< manual, automatic, scheduled, triggered, continuous.
  std::int64_t timeout_ms = 3'600'000;
  std::int64_t max_retries = 3;
  Json tags{"[]"};
};

/// A task to be made.
struct NewTask {
  std::string id;  ///< Empty: a new UUIDv7.
  std::string name;
  std::string description;
  std::string task_type;   ///< Empty: the definition's, or "custom".
  std::string definition;  ///< Id or name of a definition; empty: none.
  std::string parent;      ///< Id of the task that this is a part of; empty: none.
  TaskStatus status = TaskStatus::pending;
  TaskPriority priority = TaskPriority::normal;
  std::string assigned_to;  ///< Of an agent; empty: nobody.
  Json configuration{"{}"};
  Json input{"{}"};
  std::optional<std::int64_t> due_at_ms;
  std::int64_t scheduled_at_ms = 0;  ///< Not ready before.
  std::optional<double> estimated_minutes;
  std::optional<std::int64_t> max_retries;  ///< Nothing: the definition's, or 3.
  std::string external_id;                  ///< Unique where given.
  std::string external_url;
  Json tags{"[]"};
};

struct Task {
  std::string id;
  std::string name;
  std::string description;
  std::string task_type;
  std::string definition;  ///< Id; empty: none.
  std::string parent;      ///< Id; empty: none.
  TaskStatus status = TaskStatus::draft;
  TaskPriority priority = TaskPriority::normal;
  double progress = 0;  ///< 0 to 100; of a task with parts, how many of them are completed.
  std::string assigned_to;
  std::string created_by;
  Json configuration;
  Json input;
  Json output;
  std::string error;
  std::optional<std::int64_t> due_at_ms;
  std::int64_t scheduled_at_ms = 0;
  std::optional<std::int64_t> assigned_at_ms;
  std::optional<std::int64_t> started_at_ms;
  std::optional<std::int64_t> ended_at_ms;
  std::optional<double> estimated_minutes;
  std::optional<double> quality;  ///< 0 to 1.
  std::int64_t retries = 0;
  std::int64_t max_retries = 3;
  std::string external_id;
  std::string external_url;
  Json tags;
  std::int64_t unmet_dependencies = 0;
  std::int64_t children = 0;
  std::int64_t children_completed = 0;
  std::int64_t created_at_ms = 0;
  std::int64_t updated_at_ms = 0;
};

/// What is to change; nothing stays as it is.
struct TaskUpdate {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> parent;  ///< Empty: a part of none.
  std::optional<TaskStatus> status;
  std::optional<TaskPriority> priority;
  std::optional<double> progress;
  std::optional<std::string> assigned_to;  ///< Empty: nobody.
  std::optional<Json> configuration;
  std::optional<Json> output;
  std::optional<std::string> error;
  std::optional<std::int64_t> due_at_ms;
  std::optional<std::int64_t> scheduled_at_ms;
  std::optional<double> quality;
  std::optional<Json> tags;
};

/// `source` depends on `target`.
struct TaskDependency {
  std::string source;
  std::string target;
  /// depends_on, blocks (told from the side of the target; stored alike), subtask_of, triggers: these order tasks, and
  /// close no cycle. related_to, conflicts_with: these do not. Of the first two, hard ones keep the source from being
  /// ready.
  std::string type = "depends_on";
  bool hard = true;
  std::string condition = "success";  ///< success, completion (however it ended), failure.
  std::int64_t delay_ms = 0;          ///< The source is ready so much later.
  bool satisfied = false;             ///< Told, not given.
};

struct TaskComment {
  std::string id;
  std::string author;
  std::string type = "comment";  ///< comment, status_change, assignment, system.
  std::string content;
  std::int64_t created_at_ms = 0;
};

/// What one run of a task took.
struct TaskExecution {
  std::int64_t number = 0;  ///< Told, not given.
  std::string worker;
  std::string outcome;  ///< completed, failed, cancelled, expired, released.
  std::int64_t started_at_ms = 0;
  std::int64_t ended_at_ms = 0;
  std::string message;
  Json data{"{}"};
};

struct TaskResources {
  std::int64_t measured_at_ms = 0;  ///< 0: now.
  std::string source;
  std::optional<double> cpu_percent;
  std::optional<double> memory_mb;
  std::optional<double> storage_mb;
  std::optional<double> network_mb;
  std::optional<std::int64_t> tokens;
  std::optional<double> cost_cents;
};

/// Which tasks; what is empty does not restrict.
struct TaskFilter {
  std::optional<TaskStatus> status;
  std::string assigned_to;
  std::string parent;
  std::string task_type;
  std::size_t limit = 100;  ///< At most 10,000.
};

/// How many tasks that were made on a day have a status now.
struct TaskDay {
  std::string day;  ///< "2026-11-21", UTC.
  TaskStatus status = TaskStatus::draft;
  std::int64_t tasks = 0;
};

class Tasks {
 public:
  /// Makes the module's tables in the hive, or follows them. The hive outlives it.
  static Result<std::unique_ptr<Tasks>> open(Hive& hive);
  virtual ~Tasks() = default;

  /// Returns the id. Error: `conflict` when the name is taken.
  virtual Result<std::string> define(const TaskDefinition& definition, const Actor& actor = {}) = 0;
  /// Returns the id. Errors: `not_found` (definition, parent), `conflict` (id, external id), `invalid_argument`.
  virtual Result<std::string> create(const NewTask& task, const Actor& actor = {}) = 0;
  /// All or none, in their order; at most 100,000. Later ones may name earlier ones.
  virtual Result<std::vector<std::string>> create_many(std::span<const NewTask> tasks, const Actor& actor = {}) = 0;
  virtual Result<Task> get(std::string_view id) = 0;
  virtual Result<std::vector<Task>> list(const TaskFilter& filter = {}) = 0;
  /// Errors: `not_found`; `conflict` when the status may not follow, or the parent is a part of the task.
  virtual Status update(std::string_view id, const TaskUpdate& update, const Actor& actor = {}) = 0;
  /// With its dependencies, comments, executions and times. Error: `conflict` while it has parts.
  virtual Status remove(std::string_view id, const Actor& actor = {}) = 0;

  /// Adds it, or changes one with the same ends and type. Errors: `conflict` when it would close a cycle, however long;
  /// `not_found` when an end does not exist.
  virtual Status depend(const TaskDependency& dependency, const Actor& actor = {}) = 0;
  virtual Status depend_many(std::span<const TaskDependency> dependencies, const Actor& actor = {}) = 0;
  /// Taking away what is not there is no error.
  virtual Status undepend(std::string_view source, std::string_view target, std::string_view type = "depends_on",
                          const Actor& actor = {}) = 0;
  /// What the task depends on, and what depends on it.
  virtual Result<std::vector<TaskDependency>> dependencies(std::string_view id) = 0;
  /// Pending, their time come, no hard dependency unmet; the most urgent first. At most 10,000.
  virtual Result<std::vector<Task>> ready(std::size_t limit = 100) = 0;
  /// Its parts, theirs, and so on, nearest first. At most 10,000.
  virtual Result<std::vector<Task>> descendants(std::string_view id, std::size_t limit = 1'000) = 0;

  /// Returns the comment's id.
  virtual Result<std::string> comment(std::string_view task, const TaskComment& comment, const Actor& actor = {}) = 0;
  virtual Result<std::vector<TaskComment>> comments(std::string_view task, std::size_t limit = 1'000) = 0;
  /// Returns its number.
  virtual Result<std::int64_t> record_execution(std::string_view task, const TaskExecution& execution,
                                                const Actor& actor = {}) = 0;
  virtual Result<std::vector<TaskExecution>> executions(std::string_view task, std::size_t limit = 1'000) = 0;
  /// `ended_at_ms` > `started_at_ms`. Returns the entry's id.
  virtual Result<std::string> log_time(std::string_view task, std::string_view who, std::int64_t started_at_ms,
                                       std::int64_t ended_at_ms, std::string_view note = {},
                                       const Actor& actor = {}) = 0;
  virtual Status note_resources(std::string_view task, const TaskResources& resources, const Actor& actor = {}) = 0;

  /// Tasks by the day they were made and their status now, newest day first; counted as they change.
  virtual Result<std::vector<TaskDay>> summary(std::size_t days = 30) = 0;
};

}  // namespace triune
