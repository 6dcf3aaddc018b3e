// Workflows: steps in an order, done by the workers of queues, surviving whatever is killed.
//
//   (*workflows)->define({.name = "ship", .document = {R"({"queue": "work", "steps": [
//       {"name": "build", "type": "task", "payload": {"branch": "${input.branch}"}},
//       {"name": "test",  "type": "task", "payload": {"image": "${steps.build.image}"}, "timeout_ms": 600000}]})"}});
//   auto execution = (*workflows)->start({.workflow = "ship", .input = {R"({"branch": "main"})"}});
//   (*workflows)->advance();  // again and again, in as many processes as you like
//
// docs/modules/workflows.md describes the document. A worker claims the items of a step's queue
// (triune/modules/queue.h), does what the payload says and completes them; the result is the step's output. The payload
// of an item is
// {"workflow", "execution", "step", "key", "attempt", "input": what the step's payload made}; EXECUTION and KEY
// together name one piece of work, the same in every attempt: the key of an effect that must happen once.
//
//   running ─▶ completed           a step fails, time is over, `cancel` ─▶ compensating ─▶ failed | cancelled
//
// Invariants
//   W1 What comes next follows from what is stored alone: a kill at any moment leaves a state from which any process
//      goes on.
//   W2 Each step of an execution is put into its queue once for each attempt, however many processes advance at once.
//   W3 A due time of a schedule starts one execution; of missed ones only the earliest is made up for.
//   W4 Of an execution that fails, the completed steps that have a compensation are compensated, the last first.
//   W5 An execution goes on with the version of the definition that it was started with.
//
// Times are milliseconds since 1970; documents are JSON text. Thread rule: every method may be called from any thread.
// Methods that write block until the change is durable (I1).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "triune/hive.h"
#include "triune/modules/actor.h"
#include "triune/modules/tasks.h"

namespace triune {

/// A workflow to be defined.
struct NewWorkflow {
  std::string id;    ///< Empty: a new UUIDv7. At most 64 bytes; counts only when the name is new.
  std::string name;  ///< Unique in the organization; 1 to 200 bytes.
  std::string description;
  Json document;  ///< At most 1 MB.
};

struct Workflow {
  std::string id;
  std::string name;
  std::string description;
  std::string type;  ///< Of the whole: task, sequential, parallel, conditional, dag, loop.
  std::int64_t version = 1;
  Json document;  ///< Of that version.
  std::int64_t created_at_ms = 0;
  std::int64_t updated_at_ms = 0;
};

/// An execution to be started.
struct NewExecution {
  std::string id;                                ///< Empty: a new UUIDv7. At most 64 letters, digits, '-', '_' and '.'.
  std::string workflow;                          ///< Id or name.
  Json input{"{}"};                              ///< What steps read as `input`; at most 1 MB.
  TaskPriority priority = TaskPriority::normal;  ///< Of its items in queues.
  std::string trigger_source = "api";            ///< manual, scheduled, event, api.
  Json trigger_data{"{}"};                       ///< What led to it; steps read it as `trigger`.
};

struct WorkflowExecution {
  std::string id;
  std::string workflow;  ///< Id.
  std::string workflow_name;
  std::int64_t version = 1;
  std::string status;  ///< running, compensating, completed, failed, cancelled.
  bool paused = false;
  std::string compensation;  ///< none, running, completed, failed (of at least one step).
  double progress = 0;       ///< 0 to 100.
  std::string trigger_source;
  Json trigger_data;
  Json input;
  Json output;  ///< Of a completed one; otherwise "null".
  std::string error;
  std::optional<std::int64_t> scheduled_for_ms;  ///< The due time that a schedule started it for.
  std::optional<std::int64_t> due_at_ms;         ///< By when it must have ended.
  std::int64_t started_at_ms = 0;
  std::optional<std::int64_t> ended_at_ms;
};

/// One run of a step: of a loop's body there is one for each iteration.
struct WorkflowStep {
  std::string key;     ///< Name and iterations: "send", "send[2]", and "send[2]/undo" of its compensation.
  std::string name;    ///< As in the document.
  std::string type;    ///< As in the document, or compensation.
  std::string status;  ///< running, completed, failed, cancelled.
  std::int64_t attempt = 1;
  std::int64_t place = 0;  ///< Of completed ones: in this order they ended.
  std::string item;        ///< Of a queue; empty: none.
  Json output;
  std::string error;
  std::int64_t started_at_ms = 0;
  std::optional<std::int64_t> ended_at_ms;
};

/// Which executions; what is empty does not restrict.
struct ExecutionFilter {
  std::string workflow;  ///< Id or name.
  std::string status;
  std::size_t limit = 100;  ///< At most 10,000.
};

/// Starts a workflow again and again. One of `every_ms` and `cron` is given.
struct WorkflowSchedule {
  std::string id;             ///< Empty: a new UUIDv7. As an execution's.
  std::string workflow;       ///< Id or name; told as id.
  std::int64_t every_ms = 0;  ///< At least 1,000.
  /// Five fields, in UTC: minute (0-59), hour (0-23), day of the month (1-31), month (1-12), day of the week (0-7, 0
  /// and 7 are Sunday); each is *, a number, a range a-b, either of these with a step /n, or a list of them with
  /// commas. A day must match both day fields, or one of them when both are restricted. No names, no @words.
  std::string cron;
  Json input{"{}"};  ///< Of the executions.
  /// The next due time. Given as 0: of `every_ms` from now, of `cron` the next that matches.
  std::int64_t next_at_ms = 0;
  std::optional<std::int64_t> last_at_ms;  ///< Told: the last due time that started one.
};

/// What a call of `advance` did.
struct WorkflowAdvance {
  std::int64_t started = 0;   ///< By schedules.
  std::int64_t advanced = 0;  ///< Executions looked at.
  std::int64_t ended = 0;     ///< Of them.
};

class Workflows {
 public:
  /// Makes the tables in the hive, those of tasks and queues with them. The hive outlives it.
  static Result<std::unique_ptr<Workflows>> open(Hive& hive);
  virtual ~Workflows() = default;

  /// Returns the id. A name that is there already gets a new version, unless the document is the same. Error:
  /// `invalid_argument` that names the place in the document: unknown members, types, operators and references, names
  /// given twice, cycles in `depends_on` however long, loops without a bound, and what a limit forbids.
  virtual Result<std::string> define(const NewWorkflow& workflow, const Actor& actor = {}) = 0;
  /// By id or name. Error: `not_found`.
  virtual Result<Workflow> get(std::string_view workflow) = 0;
  /// By name, at most 10,000.
  virtual Result<std::vector<Workflow>> list(std::size_t limit = 100) = 0;

  /// Returns the id; the first steps are in their queues then. One with this id that is there already is not started
  /// twice. Errors: `not_found` (workflow), `conflict` (the id is of another workflow's execution), `invalid_argument`.
  virtual Result<std::string> start(const NewExecution& execution, const Actor& actor = {}) = 0;
  /// Starts what schedules are due for and takes executions on, as far as ended items and the time allow; at most
  /// `limit` (1 to 10,000) of each. Nothing to do is no error. What another process is at is left to it.
  virtual Result<WorkflowAdvance> advance(std::size_t limit = 100, const Actor& actor = {}) = 0;
  /// Error: `not_found`.
  virtual Result<WorkflowExecution> execution(std::string_view id) = 0;
  /// The latest first.
  virtual Result<std::vector<WorkflowExecution>> executions(const ExecutionFilter& filter = {}) = 0;
  /// In the order they began; at most 10,000, which is how many an execution may have.
  virtual Result<std::vector<WorkflowStep>> steps(std::string_view execution) = 0;

  /// No step begins, items that nobody has claimed wait, and time does not count until `resume`; what a worker holds
  /// runs on. Doing it twice is no error. Error: `conflict` when the execution has ended.
  virtual Status pause(std::string_view execution, const Actor& actor = {}) = 0;
  virtual Status resume(std::string_view execution, const Actor& actor = {}) = 0;
  /// Workers lose the steps under way; completed ones are compensated. A paused one is resumed for that. Error:
  /// `conflict` when the execution has ended otherwise.
  virtual Status cancel(std::string_view execution, std::string_view reason = {}, const Actor& actor = {}) = 0;

  /// Returns the id. One with this id that is there already is replaced. Errors: `not_found` (workflow),
  /// `invalid_argument` (both or neither of `every_ms` and `cron`, a cron expression that does not parse or never
  /// comes).
  virtual Result<std::string> schedule(const WorkflowSchedule& schedule, const Actor& actor = {}) = 0;
  virtual Result<std::vector<WorkflowSchedule>> schedules(std::size_t limit = 100) = 0;
  /// Taking away what is not there is no error.
  virtual Status unschedule(std::string_view id, const Actor& actor = {}) = 0;
};

}  // namespace triune
