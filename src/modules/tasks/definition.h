// What is derived from the tables of tasks and queues.
#pragma once

#include "modules/kit/module_definition.h"

namespace triune::modules::tasks {

inline const ModuleDefinition& definition() {
  static const ModuleDefinition module{
      .series = "tasks",
      .needs = {},
      .audited = {{"triune_task_definitions", {"id"}},
                  {.table = "triune_tasks",
                   .key = {"id"},
                   .following = {"unmet_dependencies", "children", "children_completed", "ordinal", "archived_from"}},
                  {"triune_task_dependencies", {"source_id", "target_id", "dependency_type"}},
                  {"triune_task_executions", {"task_id", "number"}},
                  {"triune_task_comments", {"task_id", "id"}},
                  {"triune_task_times", {"task_id", "id"}},
                  {"triune_task_resources", {"task_id", "measured_at_ms"}},
                  {"triune_queues", {"name"}},
                  {"triune_queue_items", {"id"}},
                  {"triune_workflows", {"id"}},
                  {"triune_workflow_versions", {"workflow_id", "version"}},
                  {"triune_workflow_schedules", {"id"}},
                  {.table = "triune_workflow_executions", .key = {"id"}, .following = {"progress", "wake_at_ms"}},
                  {"triune_workflow_steps", {"execution_id", "key"}}},
      .nodes = {{.table = "triune_tasks",
                 .label = "Task",
                 .properties = {"name", "status", "task_type", "priority"},
                 .shared = true},
                {.table = "triune_workflows", .label = "Workflow", .properties = {"name", "workflow_type"}},
                {.table = "triune_workflow_executions",
                 .label = "WorkflowExecution",
                 .properties = {"status", "trigger_source"}}},
      .edges = {{.table = "triune_workflow_executions",
                 .type = "PART_OF",
                 .from_column = "id",
                 .from_label = "WorkflowExecution",
                 .to_column = "workflow_id",
                 .to_label = "Workflow"},
                {.table = "triune_tasks",
                 .type = "ASSIGNED_TO",
                 .from_column = "id",
                 .from_label = "Task",
                 .to_column = "assigned_to",
                 .to_label = "Agent",
                 .makes_to_end = true},
                {.table = "triune_tasks",
                 .type = "SUBTASK_OF",
                 .from_column = "id",
                 .from_label = "Task",
                 .to_column = "parent_id",
                 .to_label = "Task"},
                {.table = "triune_task_dependencies",
                 .type = "DEPENDS_ON",
                 .from_column = "source_id",
                 .from_label = "Task",
                 .to_column = "target_id",
                 .to_label = "Task",
                 .properties = {"dependency_type", "hard"}}}};
  return module;
}

}  // namespace triune::modules::tasks
