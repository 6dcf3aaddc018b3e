#include "triune/modules/workflows.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "modules/kit/module.h"
#include "modules/kit/rows.h"
#include "modules/tasks/cron.h"
#include "modules/tasks/definition.h"
#include "modules/tasks/workflow_document.h"
#include "modules/tasks/workflow_store.h"
#include "triune/ids.h"

namespace triune {
namespace {

using namespace modules;
using namespace modules::tasks;
using contract::RelationalSession;

constexpr std::size_t most_rows = 10'000;
/// Executions that share a transaction where one writer has it anyway.
constexpr std::size_t group_size = 32;
constexpr std::string_view execution_columns =
    "e.id, e.workflow_id, w.name, e.version, e.status, e.paused_at_ms, e.compensation, e.progress, e.trigger_source, "
    "e.trigger_data, e.input, e.output, e.error, e.scheduled_for_ms, e.due_at_ms, e.started_at_ms, e.ended_at_ms FROM "
    "triune_workflow_executions e JOIN triune_workflows w ON w.organization_id = e.organization_id AND w.id = "
    "e.workflow_id WHERE e.organization_id = ?1";

Deadline patience() {
  return Deadline::after(std::chrono::seconds(30));
}

WorkflowExecution execution_of(const std::vector<Value>& row) {
  WorkflowExecution execution{.id = text(row[0]), .workflow = text(row[1]), .workflow_name = text(row[2])};
  execution.version = integer(row[3]);
  execution.status = text(row[4]);
  execution.paused = !is_null(row[5]);
  execution.compensation = text(row[6]);
  execution.progress = real(row[7]);
  execution.trigger_source = text(row[8]);
  execution.trigger_data = Json{text(row[9])};
  execution.input = Json{text(row[10])};
  execution.output = Json{text(row[11])};
  execution.error = text(row[12]);
  execution.scheduled_for_ms = optional_integer(row[13]);
  execution.due_at_ms = optional_integer(row[14]);
  execution.started_at_ms = integer(row[15]);
  execution.ended_at_ms = optional_integer(row[16]);
  return execution;
}

/// A part of ids of items: without their colon.
Status check_id(std::string_view what, std::string_view id) {
  const bool fits = !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
  });
  if (fits) return {};
  return failure(ErrorCode::invalid_argument,
                 fmt::format("the id of {} has 1 to 64 letters, digits, '-', '_' and '.', not '{}'", what, id));
}

Status check_json(const Json& json, std::string_view what) {
  if (json.text.size() > most_document_bytes)
    return failure(ErrorCode::resource_exhausted,
                   fmt::format("{} has {} bytes; at most {}", what, json.text.size(), most_document_bytes));
  TRIUNE_TRY(parse_document(json.text, what));
  return {};
}

Status check_schedule(const WorkflowSchedule& schedule) {
  if ((schedule.every_ms == 0) == schedule.cron.empty())
    return failure(ErrorCode::invalid_argument, "a schedule has one of every_ms and cron");
  if (!schedule.cron.empty()) TRIUNE_TRY(Cron::parse(schedule.cron));
  if (schedule.cron.empty() && (schedule.every_ms < 1'000 || schedule.every_ms > longest_timeout_ms))
    return failure(ErrorCode::invalid_argument,
                   fmt::format("every_ms is from 1000 to {}, not {}", longest_timeout_ms, schedule.every_ms));
  if (schedule.next_at_ms < 0) return failure(ErrorCode::invalid_argument, "next_at_ms is a time since 1970, or 0");
  return check_json(schedule.input, "the input");
}

class StoredWorkflows final : public Workflows {
 public:
  explicit StoredWorkflows(Module module) : module_(std::move(module)) {}

  Result<std::string> define(const NewWorkflow& workflow, const Actor& actor) override {
    if (workflow.name.empty() || workflow.name.size() > 200)
      return failure(ErrorCode::invalid_argument, "the name of a workflow has 1 to 200 bytes");
    const auto new_one = workflow.id.empty() ? new_id() : workflow.id;
    TRIUNE_TRY(check_id("a workflow", new_one));
    TRIUNE_ASSIGN(const auto definition, parse_definition(workflow.document.text));
    std::string id;
    TRIUNE_TRY(write(actor, [&](const WorkflowStore& store) -> Status {
      TRIUNE_ASSIGN(id, store.define(workflow, *definition, new_one));
      return {};
    }));
    return id;
  }

  Result<Workflow> get(std::string_view workflow) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    return WorkflowStore(*session, organization()).find(workflow);
  }

  Result<std::vector<Workflow>> list(std::size_t limit) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 2> parameters{organization(), limited(limit)};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query("SELECT w.id, w.name, w.description, w.workflow_type, w.version, v.document, w.created_at_ms, "
                       "w.updated_at_ms FROM triune_workflows w JOIN triune_workflow_versions v ON v.organization_id = "
                       "w.organization_id AND v.workflow_id = w.id AND v.version = w.version WHERE w.organization_id = "
                       "?1 ORDER BY w.name LIMIT ?2",
                       parameters, most_rows));
    std::vector<Workflow> found;
    for (const auto& row : rows.rows)
      found.push_back({text(row[0]), text(row[1]), text(row[2]), text(row[3]), integer(row[4]), Json{text(row[5])},
                       integer(row[6]), integer(row[7])});
    return found;
  }

  Result<std::string> start(const NewExecution& execution, const Actor& actor) override {
    const auto id = execution.id.empty() ? new_id() : execution.id;
    TRIUNE_TRY(check_id("an execution", id));
    TRIUNE_TRY(check_json(execution.input, "the input"));
    TRIUNE_TRY(check_json(execution.trigger_data, "the trigger data"));
    constexpr std::array<std::string_view, 4> sources{"manual", "scheduled", "event", "api"};
    if (std::find(sources.begin(), sources.end(), execution.trigger_source) == sources.end())
      return unknown_word("the trigger's source", execution.trigger_source, "manual, scheduled, event, api");
    TRIUNE_TRY(write(actor, [&](const WorkflowStore& store) { return store.start(execution, id); }));
    return id;
  }

  Result<WorkflowAdvance> advance(std::size_t limit, const Actor& actor) override {
    if (limit < 1 || limit > most_rows)
      return failure(ErrorCode::invalid_argument, fmt::format("the limit is from 1 to {}, not {}", most_rows, limit));
    WorkflowAdvance done;
    TRIUNE_ASSIGN(done.started, start_due(limit, actor));
    std::vector<std::string> ids;
    {
      TRIUNE_ASSIGN(const auto session, module_.read(patience()));
      TRIUNE_ASSIGN(ids, WorkflowStore(*session, organization()).awake(limit, now_ms()));
    }
    const std::size_t group = module_.dialect() == contract::Dialect::sqlite ? group_size : 1;
    Status first_error;
    for (std::size_t at = 0; at < ids.size(); at += group) {
      const auto some = std::span(ids).subspan(at, std::min(group, ids.size() - at));
      if (advance_some(some, actor, done)) continue;
      // One that cannot go on holds up no other.
      for (std::size_t i = 0; i < some.size(); ++i) {
        auto alone = advance_some(some.subspan(i, 1), actor, done);
        if (!alone && first_error) {
          alone.error().message = fmt::format("execution {}: {}", some[i], alone.error().message);
          first_error = alone;
        }
      }
    }
    if (!first_error) return failure_of(first_error);
    return done;
  }

  Result<WorkflowExecution> execution(std::string_view id) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 2> key{organization(), std::string(id)};
    TRIUNE_ASSIGN(const RowSet rows, session->query(fmt::format("SELECT {} AND e.id = ?2", execution_columns), key, 1));
    if (rows.rows.empty()) return failure(ErrorCode::not_found, fmt::format("there is no execution {}", id));
    return execution_of(rows.rows[0]);
  }

  Result<std::vector<WorkflowExecution>> executions(const ExecutionFilter& filter) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    std::vector<Value> parameters{organization(), limited(filter.limit)};
    std::string where;
    if (!filter.workflow.empty()) {
      TRIUNE_ASSIGN(const Workflow workflow, WorkflowStore(*session, organization()).find(filter.workflow));
      parameters.push_back(workflow.id);
      where += fmt::format(" AND e.workflow_id = ?{}", parameters.size());
    }
    if (!filter.status.empty()) {
      parameters.push_back(filter.status);
      where += fmt::format(" AND e.status = ?{}", parameters.size());
    }
    TRIUNE_ASSIGN(const RowSet rows,
                  session->query(fmt::format("SELECT {}{} ORDER BY e.started_at_ms DESC, e.id DESC LIMIT ?2",
                                             execution_columns, where),
                                 parameters, most_rows));
    std::vector<WorkflowExecution> found;
    for (const auto& row : rows.rows) found.push_back(execution_of(row));
    return found;
  }

  Result<std::vector<WorkflowStep>> steps(std::string_view execution) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 2> key{organization(), std::string(execution)};
    TRIUNE_ASSIGN(const RowSet rows,
                  session->query("SELECT key, name, step_type, status, attempt, place, item_id, output, error, "
                                 "started_at_ms, ended_at_ms FROM triune_workflow_steps WHERE organization_id = ?1 AND "
                                 "execution_id = ?2 ORDER BY started_at_ms, key LIMIT 10000",
                                 key, most_rows));
    std::vector<WorkflowStep> found;
    for (const auto& row : rows.rows)
      found.push_back({text(row[0]), text(row[1]), text(row[2]), text(row[3]), integer(row[4]), integer(row[5]),
                       text(row[6]), Json{text(row[7])}, text(row[8]), integer(row[9]), optional_integer(row[10])});
    return found;
  }

  Status pause(std::string_view execution, const Actor& actor) override {
    return write(actor, [&](const WorkflowStore& store) { return store.pause(execution); });
  }

  Status resume(std::string_view execution, const Actor& actor) override {
    return write(actor, [&](const WorkflowStore& store) { return store.resume(execution); });
  }

  Status cancel(std::string_view execution, std::string_view reason, const Actor& actor) override {
    return write(actor, [&](const WorkflowStore& store) { return store.cancel(execution, reason); });
  }

  Result<std::string> schedule(const WorkflowSchedule& schedule, const Actor& actor) override {
    const auto id = schedule.id.empty() ? new_id() : schedule.id;
    TRIUNE_TRY(check_id("a schedule", id));
    TRIUNE_TRY(check_schedule(schedule));
    TRIUNE_TRY(write(actor, [&](const WorkflowStore& store) { return store.schedule(schedule, id); }));
    return id;
  }

  Result<std::vector<WorkflowSchedule>> schedules(std::size_t limit) override {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 2> parameters{organization(), limited(limit)};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query("SELECT id, workflow_id, every_ms, cron, input, next_at_ms, last_at_ms FROM "
                       "triune_workflow_schedules WHERE organization_id = ?1 ORDER BY next_at_ms, id LIMIT ?2",
                       parameters, most_rows));
    std::vector<WorkflowSchedule> found;
    for (const auto& row : rows.rows)
      found.push_back({text(row[0]), text(row[1]), integer(row[2]), text(row[3]), Json{text(row[4])}, integer(row[5]),
                       optional_integer(row[6])});
    return found;
  }

  Status unschedule(std::string_view id, const Actor& actor) override {
    const std::array<Value, 2> key{organization(), std::string(id)};
    TRIUNE_TRY(module_.write(
        actor,
        [&](RelationalSession& session) -> Status {
          TRIUNE_TRY(
              session.execute("DELETE FROM triune_workflow_schedules WHERE organization_id = ?1 AND id = ?2", key));
          return {};
        },
        patience()));
    return {};
  }

 private:
  [[nodiscard]] std::int64_t organization() const { return module_.organization_id(); }
  static std::int64_t limited(std::size_t limit) { return static_cast<std::int64_t>(std::min(limit, most_rows)); }

  Status write(const Actor& actor, const std::function<Status(const WorkflowStore&)>& job) const {
    TRIUNE_TRY(module_.write(
        actor, [&](RelationalSession& session) { return job(WorkflowStore(session, organization())); }, patience()));
    return {};
  }

  /// Looked for by a read first: that nothing is due costs no transaction.
  Result<std::int64_t> start_due(std::size_t limit, const Actor& actor) const {
    const auto now = now_ms();
    {
      TRIUNE_ASSIGN(const auto session, module_.read(patience()));
      const std::array<Value, 2> parameters{organization(), now};
      TRIUNE_ASSIGN(const RowSet due,
                    session->query("SELECT 1 FROM triune_workflow_schedules WHERE organization_id = ?1 AND next_at_ms "
                                   "<= ?2 LIMIT 1",
                                   parameters, 1));
      if (due.rows.empty()) return 0;
    }
    std::int64_t started = 0;
    TRIUNE_TRY(write(actor, [&](const WorkflowStore& store) -> Status {
      TRIUNE_ASSIGN(started, store.start_due(limit, now));
      return {};
    }));
    return started;
  }

  Status advance_some(std::span<const std::string> ids, const Actor& actor, WorkflowAdvance& done) const {
    WorkflowAdvance more;
    TRIUNE_TRY(write(actor, [&](const WorkflowStore& store) -> Status {
      more = {};
      for (const auto& id : ids) {
        TRIUNE_ASSIGN(const auto advanced, store.advance(id, now_ms()));
        more.advanced += advanced.taken ? 1 : 0;
        more.ended += advanced.ended ? 1 : 0;
      }
      return {};
    }));
    done.advanced += more.advanced;
    done.ended += more.ended;
    return {};
  }

  Module module_;
};

}  // namespace

Result<std::unique_ptr<Workflows>> Workflows::open(Hive& hive) {
  TRIUNE_ASSIGN(auto module, modules::Module::open(hive, modules::tasks::definition()));
  return std::unique_ptr<Workflows>(std::make_unique<StoredWorkflows>(std::move(module)));
}

}  // namespace triune
