// Writing one task within a transaction. What the store would refuse is looked at first, so that the error names it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "contract/relational_store.h"
#include "triune/modules/tasks.h"

namespace triune::modules::tasks {

/// Error: `not_found`.
Result<Task> find_task(contract::RelationalSession& session, std::int64_t organization_id, std::string_view id);

class TaskWriter {
 public:
  TaskWriter(contract::RelationalSession& session, std::int64_t organization_id)
      : session_(session), organization_id_(organization_id) {}

  [[nodiscard]] Status create(const NewTask& task, const std::string& id, const std::string& created_by) const;
  [[nodiscard]] Status update(std::string_view id, const TaskUpdate& update) const;
  [[nodiscard]] Status depend(const TaskDependency& dependency) const;
  /// Returns its number.
  [[nodiscard]] Result<std::int64_t> record_execution(std::string_view task, const TaskExecution& execution) const;

 private:
  /// Id, task type and retries that a definition gives; `named` is its id or its name.
  struct Defaults {
    Value id;
    std::string task_type = "custom";
    std::int64_t max_retries = 3;
  };
  [[nodiscard]] Result<Defaults> defaults_of(const std::string& named) const;

  contract::RelationalSession& session_;
  std::int64_t organization_id_;
};

}  // namespace triune::modules::tasks
