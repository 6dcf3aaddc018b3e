// tasks: what is to be done, what it depends on, what is ready.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/work_answers.h"
#include "triune/modules/tasks.h"

namespace triune::front {
namespace {

/// The options of all commands of the group; each takes those that it declares.
struct TaskArguments {
  std::string id;
  std::string target;
  std::string type;
  std::string content;
  std::string status;
  std::string priority;
  std::string configuration;
  std::string input;
  std::string output;
  std::size_t limit = 100;
  bool soft = false;
  TaskDefinition definition;
  NewTask task;
  TaskDependency dependency;
  TaskFilter filter;
  TaskUpdate update;
  Actor actor;
};

template <class Use>
Result<ExitCode> with_tasks(const CommandLine& line, const Use& use) {
  return with_hive(line.settings, module_opening(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto tasks, Tasks::open(hive));
    return use(*tasks);
  });
}

RowSet table_of(const std::vector<Task>& tasks) {
  RowSet rows{.columns = {"id", "name", "status", "priority", "progress", "assigned_to", "unmet_dependencies"}};
  for (const auto& task : tasks)
    rows.rows.push_back({task.id, task.name, std::string(to_string(task.status)), std::string(to_string(task.priority)),
                         task.progress, task.assigned_to, task.unmet_dependencies});
  return rows;
}

Record record_of(const Task& task) {
  return {{"id", task.id},
          {"name", task.name},
          {"description", task.description},
          {"task_type", task.task_type},
          {"definition", task.definition},
          {"parent", task.parent},
          {"status", std::string(to_string(task.status))},
          {"priority", std::string(to_string(task.priority))},
          {"progress", task.progress},
          {"assigned_to", task.assigned_to},
          {"created_by", task.created_by},
          {"configuration", task.configuration},
          {"input", task.input},
          {"output", task.output},
          {"error", task.error},
          {"due_at_ms", cell_of(task.due_at_ms)},
          {"scheduled_at_ms", task.scheduled_at_ms},
          {"started_at_ms", cell_of(task.started_at_ms)},
          {"ended_at_ms", cell_of(task.ended_at_ms)},
          {"quality", cell_of(task.quality)},
          {"retries", task.retries},
          {"max_retries", task.max_retries},
          {"external_id", task.external_id},
          {"external_url", task.external_url},
          {"tags", task.tags},
          {"unmet_dependencies", task.unmet_dependencies},
          {"children", task.children},
          {"children_completed", task.children_completed},
          {"created_at_ms", task.created_at_ms},
          {"updated_at_ms", task.updated_at_ms}};
}

Result<ExitCode> run_define(const TaskArguments& arguments, const CommandLine& line) {
  auto definition = arguments.definition;
  if (!arguments.configuration.empty()) definition.default_configuration = Json{arguments.configuration};
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto id, tasks.define(definition, arguments.actor));
    return answer_id(line, id);
  });
}

Result<ExitCode> run_create(const TaskArguments& arguments, const CommandLine& line) {
  auto task = arguments.task;
  if (!arguments.status.empty()) {
    TRIUNE_ASSIGN(task.status, canonical_task_status(arguments.status));
  }
  if (!arguments.priority.empty()) {
    TRIUNE_ASSIGN(task.priority, parse_task_priority(arguments.priority));
  }
  if (!arguments.configuration.empty()) task.configuration = Json{arguments.configuration};
  if (!arguments.input.empty()) task.input = Json{arguments.input};
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto id, tasks.create(task, arguments.actor));
    return answer_id(line, id);
  });
}

Result<ExitCode> run_list(const TaskArguments& arguments, const CommandLine& line) {
  auto filter = arguments.filter;
  if (!arguments.status.empty()) {
    TRIUNE_ASSIGN(filter.status, canonical_task_status(arguments.status));
  }
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, tasks.list(filter));
    return answer_rows(line, "tasks", table_of(found));
  });
}

Result<ExitCode> run_ready(const TaskArguments& arguments, const CommandLine& line) {
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, tasks.ready(arguments.limit));
    return answer_rows(line, "tasks", table_of(found));
  });
}

Result<ExitCode> run_get(const TaskArguments& arguments, const CommandLine& line) {
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto task, tasks.get(arguments.id));
    auto record = record_of(task);
    TRIUNE_ASSIGN(const auto dependencies, tasks.dependencies(arguments.id));
    JsonWriter list;
    list.begin_array();
    for (const auto& one : dependencies)
      list.begin_object()
          .member("source", one.source)
          .member("target", one.target)
          .member("type", one.type)
          .member("hard", one.hard)
          .member("satisfied", one.satisfied)
          .end_object();
    record.push_back({"dependencies", Json{list.end_array().text()}});
    return answer_record(line, record);
  });
}

Result<ExitCode> run_update(const TaskArguments& arguments, const CommandLine& line) {
  auto update = arguments.update;
  if (!arguments.status.empty()) {
    TRIUNE_ASSIGN(update.status, canonical_task_status(arguments.status));
  }
  if (!arguments.priority.empty()) {
    TRIUNE_ASSIGN(update.priority, parse_task_priority(arguments.priority));
  }
  if (!arguments.output.empty()) update.output = Json{arguments.output};
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_TRY(tasks.update(arguments.id, update, arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_depend(const TaskArguments& arguments, const CommandLine& line) {
  auto dependency = arguments.dependency;
  dependency.hard = !arguments.soft;
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_TRY(tasks.depend(dependency, arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_undepend(const TaskArguments& arguments, const CommandLine& line) {
  const auto& given = arguments.dependency;
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_TRY(tasks.undepend(given.source, given.target, given.type, arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_comment(const TaskArguments& arguments, const CommandLine& line) {
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto id, tasks.comment(arguments.id, {.content = arguments.content}, arguments.actor));
    return answer_id(line, id);
  });
}

Result<ExitCode> run_remove(const TaskArguments& arguments, const CommandLine& line) {
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_TRY(tasks.remove(arguments.id, arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_summary(const TaskArguments& arguments, const CommandLine& line) {
  return with_tasks(line, [&](Tasks& tasks) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto days, tasks.summary(arguments.limit));
    RowSet rows{.columns = {"day", "status", "tasks"}};
    for (const auto& day : days) rows.rows.push_back({day.day, std::string(to_string(day.status)), day.tasks});
    return answer_rows(line, "days", rows);
  });
}

using Arguments = std::shared_ptr<TaskArguments>;

void add_making(CLI::App& tasks, CommandLine& line) {
  Arguments with = std::make_shared<TaskArguments>();
  auto* define = add_command(tasks, "define", "Make a kind of task", "triune tasks define review --timeout 600000");
  define->add_option("name", with->definition.name, "Unique in the organization")->required()->type_name("NAME");
  define->add_option("--id", with->definition.id, "Default: a new one")->type_name("ID");
  define->add_option("--type", with->definition.task_type, "Type of its tasks")->type_name("WORD");
  define->add_option("--description", with->definition.description, "What it is for")->type_name("TEXT");
  define->add_option("--timeout", with->definition.timeout_ms, "How long one may take")->type_name("MS");
  define->add_option("--retries", with->definition.max_retries, "Of its tasks")->type_name("N");
  define->add_option("--configuration", with->configuration, "Default of its tasks")->type_name("JSON");
  add_actor(define, with->actor);
  when_chosen(define, line, with, run_define);

  with = std::make_shared<TaskArguments>();
  auto* create = add_command(tasks, "create", "Make a task", "triune tasks create build --priority high");
  create->add_option("name", with->task.name, "What is to be done")->required()->type_name("NAME");
  create->add_option("--id", with->task.id, "Default: a new one")->type_name("ID");
  create->add_option("--description", with->task.description, "More about it")->type_name("TEXT");
  create->add_option("--type", with->task.task_type, "Default: the definition's, or custom")->type_name("WORD");
  create->add_option("--definition", with->task.definition, "Id or name of its kind")->type_name("NAME");
  create->add_option("--parent", with->task.parent, "The task that it is a part of")->type_name("ID");
  create->add_option("--status", with->status, "Default: pending")->type_name("WORD");
  create->add_option("--priority", with->priority, "low, normal, high, urgent or critical")->type_name("WORD");
  create->add_option("--assign", with->task.assigned_to, "The agent that does it")->type_name("NAME");
  create->add_option("--input", with->input, "What it works on")->type_name("JSON");
  create->add_option("--configuration", with->configuration, "How")->type_name("JSON");
  create->add_option("--external-id", with->task.external_id, "Its id elsewhere")->type_name("ID");
  add_actor(create, with->actor);
  when_chosen(create, line, with, run_create);
}

void add_reading(CLI::App& tasks, CommandLine& line) {
  Arguments with = std::make_shared<TaskArguments>();
  auto* list = add_command(tasks, "list", "List tasks, the oldest first", "triune tasks list --status in_progress");
  list->add_option("--status", with->status, "Only of this status")->type_name("WORD");
  list->add_option("--assigned-to", with->filter.assigned_to, "Only of this agent")->type_name("NAME");
  list->add_option("--parent", with->filter.parent, "Only parts of this task")->type_name("ID");
  list->add_option("--type", with->filter.task_type, "Only of this type")->type_name("WORD");
  list->add_option("--limit", with->filter.limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(list, line, with, run_list);

  with = std::make_shared<TaskArguments>();
  auto* get = add_command(tasks, "get", "Show a task and its dependencies", "triune tasks get ID --json");
  get->add_option("id", with->id, "Of the task")->required()->type_name("ID");
  when_chosen(get, line, with, run_get);

  with = std::make_shared<TaskArguments>();
  auto* ready = add_command(tasks, "ready", "List what can be begun, the most urgent first", "triune tasks ready");
  ready->add_option("--limit", with->limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(ready, line, with, run_ready);

  with = std::make_shared<TaskArguments>();
  with->limit = 30;
  auto* summary =
      add_command(tasks, "summary", "Count tasks by the day they were made and their status", "triune tasks summary");
  summary->add_option("--days", with->limit, "So many days back")->capture_default_str()->type_name("N");
  when_chosen(summary, line, with, run_summary);
}

void add_changing(CLI::App& tasks, CommandLine& line) {
  Arguments with = std::make_shared<TaskArguments>();
  auto* update = add_command(tasks, "update", "Change a task", "triune tasks update ID --status in_progress");
  update->add_option("id", with->id, "Of the task")->required()->type_name("ID");
  update->add_option("--name", with->update.name, "What is to be done")->type_name("NAME");
  update->add_option("--status", with->status, "Must be one that may follow")->type_name("WORD");
  update->add_option("--priority", with->priority, "low, normal, high, urgent or critical")->type_name("WORD");
  update->add_option("--progress", with->update.progress, "0 to 100")->type_name("PERCENT");
  update->add_option("--assign", with->update.assigned_to, "The agent that does it; empty: nobody")->type_name("NAME");
  update->add_option("--parent", with->update.parent, "The task that it is a part of; empty: none")->type_name("ID");
  update->add_option("--output", with->output, "What came of it")->type_name("JSON");
  update->add_option("--error", with->update.error, "What went wrong")->type_name("TEXT");
  add_actor(update, with->actor);
  when_chosen(update, line, with, run_update);

  with = std::make_shared<TaskArguments>();
  auto* comment = add_command(tasks, "comment", "Add a comment to a task", "triune tasks comment ID 'looks good'");
  comment->add_option("id", with->id, "Of the task")->required()->type_name("ID");
  comment->add_option("text", with->content, "The comment")->required()->type_name("TEXT");
  add_actor(comment, with->actor);
  when_chosen(comment, line, with, run_comment);

  with = std::make_shared<TaskArguments>();
  auto* remove = add_command(tasks, "remove", "Remove a task and all that is told of it", "triune tasks remove ID");
  remove->add_option("id", with->id, "Of the task")->required()->type_name("ID");
  add_actor(remove, with->actor);
  when_chosen(remove, line, with, run_remove);
}

void add_dependencies(CLI::App& tasks, CommandLine& line) {
  for (const bool adding : {true, false}) {
    auto with = std::make_shared<TaskArguments>();
    auto* command =
        adding ? add_command(tasks, "depend", "Have a task depend on another", "triune tasks depend TEST BUILD")
               : add_command(tasks, "undepend", "Take a dependency away", "triune tasks undepend TEST BUILD");
    command->add_option("source", with->dependency.source, "The task that waits")->required()->type_name("ID");
    command->add_option("target", with->dependency.target, "What it waits for")->required()->type_name("ID");
    command
        ->add_option("--type", with->dependency.type,
                     "depends_on, blocks, subtask_of, triggers, related_to or conflicts_with")
        ->capture_default_str()
        ->type_name("WORD");
    if (adding) {
      command->add_flag("--soft", with->soft, "It is told, but nothing waits");
      command->add_option("--condition", with->dependency.condition, "success, completion or failure of the target")
          ->capture_default_str()
          ->type_name("WORD");
      command->add_option("--delay", with->dependency.delay_ms, "Ready so much later")->type_name("MS");
    }
    add_actor(command, with->actor);
    when_chosen(command, line, with, adding ? run_depend : run_undepend);
  }
}

}  // namespace

void add_tasks_command(CLI::App& root, CommandLine& line) {
  auto* tasks = add_command(root, "tasks", "Tasks: make, follow and order what is to be done", "triune tasks ready");
  tasks->require_subcommand(1);
  add_making(*tasks, line);
  add_reading(*tasks, line);
  add_changing(*tasks, line);
  add_dependencies(*tasks, line);
}

}  // namespace triune::front
