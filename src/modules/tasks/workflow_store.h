// Workflows and their executions within one transaction.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "modules/tasks/workflow_machine.h"
#include "triune/modules/workflows.h"

namespace triune::modules::tasks {

class WorkflowStore {
 public:
  WorkflowStore(contract::RelationalSession& session, std::int64_t organization_id)
      : session_(session), organization_id_(organization_id) {}

  /// Of the current version. Error: `not_found`.
  [[nodiscard]] Result<Workflow> find(std::string_view id_or_name) const;
  /// Returns the id.
  [[nodiscard]] Result<std::string> define(const NewWorkflow& workflow, const Definition& definition,
                                           const std::string& new_id) const;

  /// The due time that a schedule starts an execution for.
  struct DueTime {
    std::string schedule;
    std::int64_t at_ms = 0;
  };
  /// With its first steps. An execution with this id is left as it is.
  [[nodiscard]] Status start(const NewExecution& execution, const std::string& id,
                             const std::optional<DueTime>& due = {}) const;

  /// Executions that ended items or the time wake.
  [[nodiscard]] Result<std::vector<std::string>> awake(std::size_t limit, std::int64_t now) const;
  /// Takes one on. Tells whether it was there to be taken, and whether it has ended since.
  struct Advanced {
    bool taken = false;
    bool ended = false;
  };
  [[nodiscard]] Result<Advanced> advance(const std::string& id, std::int64_t now) const;

  [[nodiscard]] Status pause(std::string_view id) const;
  [[nodiscard]] Status resume(std::string_view id) const;
  [[nodiscard]] Status cancel(std::string_view id, std::string_view reason) const;

  /// Starts what is due; returns how many.
  [[nodiscard]] Result<std::int64_t> start_due(std::size_t limit, std::int64_t now) const;
  [[nodiscard]] Status schedule(const WorkflowSchedule& schedule, const std::string& id) const;

 private:
  struct Locked {
    std::string workflow_id;
    std::int64_t version = 0;
    std::int64_t priority = 1;
    std::optional<std::int64_t> paused_at_ms;
    ExecutionRow row;
  };
  /// Its row, held until the transaction ends; nothing when another transaction holds it and it is not waited for.
  [[nodiscard]] Result<std::optional<Locked>> lock(std::string_view id, bool wait) const;
  /// One that has not ended. Errors: `not_found`, `conflict`.
  [[nodiscard]] Result<Locked> lock_running(std::string_view id) const;
  [[nodiscard]] Result<std::shared_ptr<const Definition>> definition_of(const Locked& execution) const;
  [[nodiscard]] Status load(const Locked& execution, WorkflowMachine::State& state) const;
  [[nodiscard]] Status load_steps(const std::string& id, WorkflowMachine::State& state) const;
  [[nodiscard]] Status save(const Locked& execution, const WorkflowMachine::State& state,
                            const WorkflowMachine& machine) const;
  [[nodiscard]] Status save_step(const std::string& execution, const StepRow& step) const;
  [[nodiscard]] Status save_execution(const ExecutionRow& execution) const;
  [[nodiscard]] Status drop_wakes(std::string_view execution) const;
  /// Runs the machine on it; `change` first.
  [[nodiscard]] Status run(const Locked& execution, std::int64_t now,
                           const std::function<void(WorkflowMachine&)>& change, bool& ended) const;
  [[nodiscard]] Status start_one(const std::vector<Value>& schedule, std::int64_t now) const;

  contract::RelationalSession& session_;
  std::int64_t organization_id_;
};

}  // namespace triune::modules::tasks
