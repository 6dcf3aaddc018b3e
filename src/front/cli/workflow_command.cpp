// workflow: define, start, follow and stop workflows.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/work_answers.h"
#include "triune/modules/workflows.h"

namespace triune::front {
namespace {

/// The options of all commands of the group; each takes those that it declares.
struct WorkflowArguments {
  std::string id;
  std::string document;
  std::string file;
  std::string input;
  std::string priority;
  std::size_t limit = 100;
  bool remove = false;
  NewWorkflow workflow;
  NewExecution execution;
  ExecutionFilter filter;
  WorkflowSchedule schedule;
  Actor actor;
};

template <class Use>
Result<ExitCode> with_workflows(const CommandLine& line, const Use& use) {
  return with_hive(line.settings, module_opening(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto workflows, Workflows::open(hive));
    return use(*workflows);
  });
}

Result<ExitCode> run_define(const WorkflowArguments& arguments, const CommandLine& line) {
  if (arguments.document.empty() == arguments.file.empty()) {
    note("triune: workflow define takes one of DOCUMENT and --file; see `triune workflow define --help`");
    return ExitCode::usage;
  }
  auto workflow = arguments.workflow;
  TRIUNE_ASSIGN(workflow.document.text, read_statement(arguments.document, arguments.file));
  return with_workflows(line, [&](Workflows& workflows) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto id, workflows.define(workflow, arguments.actor));
    return answer_id(line, id);
  });
}

Result<ExitCode> run_start(const WorkflowArguments& arguments, const CommandLine& line) {
  auto execution = arguments.execution;
  execution.trigger_source = "manual";
  if (!arguments.input.empty()) execution.input = Json{arguments.input};
  if (!arguments.priority.empty()) {
    TRIUNE_ASSIGN(execution.priority, parse_task_priority(arguments.priority));
  }
  return with_workflows(line, [&](Workflows& workflows) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto id, workflows.start(execution, arguments.actor));
    return answer_id(line, id);
  });
}

Result<ExitCode> run_list(const WorkflowArguments& arguments, const CommandLine& line) {
  return with_workflows(line, [&](Workflows& workflows) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, workflows.list(arguments.limit));
    RowSet rows{.columns = {"id", "name", "type", "version", "description", "updated_at_ms"}};
    for (const auto& one : found)
      rows.rows.push_back({one.id, one.name, one.type, one.version, one.description, one.updated_at_ms});
    return answer_rows(line, "workflows", rows);
  });
}

Result<ExitCode> run_executions(const WorkflowArguments& arguments, const CommandLine& line) {
  return with_workflows(line, [&](Workflows& workflows) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto found, workflows.executions(arguments.filter));
    RowSet rows{.columns = {"id", "workflow", "version", "status", "paused", "progress", "started_at_ms", "ended_at_ms",
                            "error"}};
    for (const auto& one : found)
      rows.rows.push_back({one.id, one.workflow_name, one.version, one.status, one.paused, one.progress,
                           one.started_at_ms, cell_of(one.ended_at_ms), one.error});
    return answer_rows(line, "executions", rows);
  });
}

Record record_of(const WorkflowExecution& execution) {
  return {{"id", execution.id},
          {"workflow", execution.workflow_name},
          {"version", execution.version},
          {"status", execution.status},
          {"paused", execution.paused},
          {"compensation", execution.compensation},
          {"progress", execution.progress},
          {"trigger_source", execution.trigger_source},
          {"trigger_data", execution.trigger_data},
          {"input", execution.input},
          {"output", execution.output},
          {"error", execution.error},
          {"scheduled_for_ms", cell_of(execution.scheduled_for_ms)},
          {"due_at_ms", cell_of(execution.due_at_ms)},
          {"started_at_ms", execution.started_at_ms},
          {"ended_at_ms", cell_of(execution.ended_at_ms)}};
}

Result<ExitCode> run_status(const WorkflowArguments& arguments, const CommandLine& line) {
  return with_workflows(line, [&](Workflows& workflows) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto execution, workflows.execution(arguments.id));
    TRIUNE_ASSIGN(const auto steps, workflows.steps(arguments.id));
    RowSet rows{.columns = {"key", "type", "status", "attempt", "item", "output", "error"}};
    for (const auto& step : steps)
      rows.rows.push_back({step.key, step.type, step.status, step.attempt, step.item, step.output, step.error});
    auto record = record_of(execution);
    if (!line.settings.json) {
      static_cast<void>(answer_record(line, record));
      return answer_rows(line, "steps", rows);
    }
    JsonWriter list;
    list.begin_array();
    for (const auto& row : rows.rows) {
      list.begin_object();
      for (std::size_t i = 0; i < row.size(); ++i) list.member(rows.columns[i], row[i]);
      list.end_object();
    }
    record.push_back({"steps", Json{list.end_array().text()}});
    return answer_record(line, record);
  });
}

Result<ExitCode> run_advance(const WorkflowArguments& arguments, const CommandLine& line) {
  return with_workflows(line, [&](Workflows& workflows) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto done, workflows.advance(arguments.limit, arguments.actor));
    return answer_record(line, {{"started", done.started}, {"advanced", done.advanced}, {"ended", done.ended}});
  });
}

Result<ExitCode> run_pause(const WorkflowArguments& arguments, const CommandLine& line) {
  return with_workflows(line, [&](Workflows& workflows) -> Result<ExitCode> {
    TRIUNE_TRY(workflows.pause(arguments.id, arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_resume(const WorkflowArguments& arguments, const CommandLine& line) {
  return with_workflows(line, [&](Workflows& workflows) -> Result<ExitCode> {
    TRIUNE_TRY(workflows.resume(arguments.id, arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> run_cancel(const WorkflowArguments& arguments, const CommandLine& line) {
  return with_workflows(line, [&](Workflows& workflows) -> Result<ExitCode> {
    TRIUNE_TRY(workflows.cancel(arguments.id, arguments.actor.reason, arguments.actor));
    return answer_done(line);
  });
}

Result<ExitCode> show_schedules(Workflows& workflows, const CommandLine& line) {
  TRIUNE_ASSIGN(const auto found, workflows.schedules(10'000));
  RowSet rows{.columns = {"id", "workflow", "every_ms", "cron", "next_at_ms", "last_at_ms", "input"}};
  for (const auto& one : found)
    rows.rows.push_back(
        {one.id, one.workflow, one.every_ms, one.cron, one.next_at_ms, cell_of(one.last_at_ms), one.input});
  return answer_rows(line, "schedules", rows);
}

Result<ExitCode> run_schedule(const WorkflowArguments& arguments, const CommandLine& line) {
  auto schedule = arguments.schedule;
  if (!arguments.input.empty()) schedule.input = Json{arguments.input};
  return with_workflows(line, [&](Workflows& workflows) -> Result<ExitCode> {
    if (arguments.remove) {
      TRIUNE_TRY(workflows.unschedule(schedule.id, arguments.actor));
      return answer_done(line);
    }
    if (schedule.workflow.empty()) return show_schedules(workflows, line);
    TRIUNE_ASSIGN(const auto id, workflows.schedule(schedule, arguments.actor));
    return answer_id(line, id);
  });
}

using Arguments = std::shared_ptr<WorkflowArguments>;

void add_definitions(CLI::App& workflow, CommandLine& line) {
  Arguments with = std::make_shared<WorkflowArguments>();
  auto* define = add_command(workflow, "define", "Define a workflow, or a new version of one",
                             "triune workflow define ship --file ship.json");
  define->add_option("name", with->workflow.name, "Unique in the organization")->required()->type_name("NAME");
  define->add_option("document", with->document, "The steps; - reads standard input")->type_name("DOCUMENT");
  define->add_option("--file", with->file, "The same from a file")->type_name("FILE");
  define->add_option("--id", with->workflow.id, "Of a new one")->type_name("ID");
  define->add_option("--description", with->workflow.description, "What it is for")->type_name("TEXT");
  add_actor(define, with->actor);
  when_chosen(define, line, with, run_define);

  with = std::make_shared<WorkflowArguments>();
  auto* list = add_command(workflow, "list", "List the workflows", "triune workflow list");
  list->add_option("--limit", with->limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(list, line, with, run_list);

  with = std::make_shared<WorkflowArguments>();
  auto* schedule = add_command(workflow, "schedule", "Start a workflow again and again; alone: list the schedules",
                               "triune workflow schedule ship --cron '30 2 * * 1-5'\n  triune workflow schedule --id "
                               "nightly --remove");
  schedule->add_option("workflow", with->schedule.workflow, "Id or name")->type_name("NAME");
  auto* id = schedule->add_option("--id", with->schedule.id, "One that is there already is replaced")->type_name("ID");
  schedule->add_option("--every", with->schedule.every_ms, "At least 1000")->type_name("MS");
  schedule->add_option("--cron", with->schedule.cron, "minute hour day month weekday, in UTC")->type_name("FIELDS");
  schedule->add_option("--input", with->input, "Of the executions")->type_name("JSON");
  schedule->add_flag("--remove", with->remove, "Takes it away")->needs(id);
  add_actor(schedule, with->actor);
  when_chosen(schedule, line, with, run_schedule);
}

void add_running(CLI::App& workflow, CommandLine& line) {
  Arguments with = std::make_shared<WorkflowArguments>();
  auto* start = add_command(workflow, "start", "Start an execution",
                            "triune workflow start ship --input '{\"branch\":\"main\"}'");
  start->add_option("workflow", with->execution.workflow, "Id or name")->required()->type_name("NAME");
  start->add_option("--id", with->execution.id, "One that is there already is not started twice")->type_name("ID");
  start->add_option("--input", with->input, "What the steps read as input")->type_name("JSON");
  start->add_option("--priority", with->priority, "low, normal, high, urgent or critical")->type_name("WORD");
  add_actor(start, with->actor);
  when_chosen(start, line, with, run_start);

  with = std::make_shared<WorkflowArguments>();
  auto* advance = add_command(workflow, "advance", "Take executions on as far as what ended and the time allow",
                              "triune workflow advance");
  advance->add_option("--limit", with->limit, "At most so many")->capture_default_str()->type_name("N");
  add_actor(advance, with->actor);
  when_chosen(advance, line, with, run_advance);

  with = std::make_shared<WorkflowArguments>();
  auto* executions = add_command(workflow, "executions", "List executions, the latest first",
                                 "triune workflow executions --status running");
  executions->add_option("workflow", with->filter.workflow, "Only of this one")->type_name("NAME");
  executions->add_option("--status", with->filter.status, "running, compensating, completed, failed or cancelled")
      ->type_name("WORD");
  executions->add_option("--limit", with->filter.limit, "At most so many")->capture_default_str()->type_name("N");
  when_chosen(executions, line, with, run_executions);
}

void add_control(CLI::App& workflow, CommandLine& line) {
  const auto add = [&](const std::string& name, const std::string& purpose,
                       Result<ExitCode> (*work)(const WorkflowArguments&, const CommandLine&), bool changes) {
    auto with = std::make_shared<WorkflowArguments>();
    auto* command = add_command(workflow, name, purpose, fmt::format("triune workflow {} EXECUTION", name));
    command->add_option("execution", with->id, "Its id")->required()->type_name("ID");
    if (changes) add_actor(command, with->actor);
    when_chosen(command, line, with, work);
  };
  add("status", "Show an execution and its steps", run_status, false);
  add("pause", "Hold an execution: no step begins, and time does not count", run_pause, true);
  add("resume", "Let a paused execution go on", run_resume, true);
  add("cancel", "Stop an execution; what it did is compensated", run_cancel, true);
}

}  // namespace

void add_workflow_command(CLI::App& root, CommandLine& line) {
  auto* workflow = add_command(root, "workflow", "Workflows: steps in an order, done by the workers of queues",
                               "triune workflow status EXECUTION");
  workflow->require_subcommand(1);
  add_definitions(*workflow, line);
  add_running(*workflow, line);
  add_control(*workflow, line);
}

}  // namespace triune::front
