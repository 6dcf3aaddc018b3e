#include "modules/tasks/task_rows.h"

#include "base/try.h"
#include "modules/kit/rows.h"

namespace triune::modules::tasks {

Result<Task> task_of(const std::vector<Value>& row) {
  Task task{.id = text(row[0]), .name = text(row[1]), .description = text(row[2]), .task_type = text(row[3])};
  task.definition = text(row[4]);
  task.parent = text(row[5]);
  TRIUNE_ASSIGN(task.status, parse_task_status(text(row[6])));
  task.priority = static_cast<TaskPriority>(integer(row[7]));
  task.progress = real(row[8]);
  task.assigned_to = text(row[9]);
  task.created_by = text(row[10]);
  task.configuration = Json{text(row[11])};
  task.input = Json{text(row[12])};
  task.output = Json{text(row[13])};
  task.error = text(row[14]);
  task.due_at_ms = optional_integer(row[15]);
  task.scheduled_at_ms = integer(row[16]);
  task.assigned_at_ms = optional_integer(row[17]);
  task.started_at_ms = optional_integer(row[18]);
  task.ended_at_ms = optional_integer(row[19]);
  task.estimated_minutes = optional_real(row[20]);
  task.quality = optional_real(row[21]);
  task.retries = integer(row[22]);
  task.max_retries = integer(row[23]);
  task.external_id = text(row[24]);
  task.external_url = text(row[25]);
  task.tags = Json{text(row[26])};
  task.unmet_dependencies = integer(row[27]);
  task.children = integer(row[28]);
  task.children_completed = integer(row[29]);
  task.created_at_ms = integer(row[30]);
  task.updated_at_ms = integer(row[31]);
  return task;
}

Result<std::vector<Task>> tasks_of(const RowSet& rows) {
  std::vector<Task> tasks;
  tasks.reserve(rows.rows.size());
  for (const auto& row : rows.rows) {
    TRIUNE_ASSIGN(auto task, task_of(row));
    tasks.push_back(std::move(task));
  }
  return tasks;
}

}  // namespace triune::modules::tasks
