// Tasks as rows of triune_tasks.
#pragma once

#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "triune/modules/tasks.h"

namespace triune::modules::tasks {

/// The columns that `task_of` reads, in its order.
inline constexpr std::string_view task_columns =
    "id, name, description, task_type, definition_id, parent_id, status, priority, progress, assigned_to, created_by, "
    "configuration, input, output, error, due_at_ms, scheduled_at_ms, assigned_at_ms, started_at_ms, ended_at_ms, "
    "estimated_minutes, quality, retries, max_retries, external_id, external_url, tags, unmet_dependencies, children, "
    "children_completed, created_at_ms, updated_at_ms";

Result<Task> task_of(const std::vector<Value>& row);
Result<std::vector<Task>> tasks_of(const RowSet& rows);

}  // namespace triune::modules::tasks
