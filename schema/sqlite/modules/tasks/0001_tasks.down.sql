-- What is derived from these tables goes with them, but for triggers on other tables.
DROP TRIGGER IF EXISTS triune_shared_triune_tasks_put;
DROP TRIGGER IF EXISTS triune_shared_triune_tasks_kept;
DELETE FROM triune_nodes WHERE label_id IN (SELECT collection_id FROM triune_collections WHERE kind = 'label' AND name = 'Task')
  AND EXISTS (SELECT 1 FROM triune_tasks r WHERE r.organization_id = triune_nodes.organization_id AND r.id = triune_nodes.id);
DELETE FROM triune_hive WHERE key LIKE 'module.tasks.%';
DROP VIEW triune_agent_load;
DROP VIEW triune_task_summary;
DROP VIEW triune_task_hierarchy;
DROP VIEW triune_task_dependency_graph;
DROP VIEW triune_ready_tasks;
DROP TABLE triune_task_days;
DROP TABLE triune_queue_items;
DROP TABLE triune_queue_lanes;
DROP TABLE triune_queues;
DROP TABLE triune_task_resources;
DROP TABLE triune_task_times;
DROP TABLE triune_task_comments;
DROP TABLE triune_task_executions;
DROP TABLE triune_task_dependencies;
DROP TABLE triune_tasks;
DROP TABLE triune_task_transitions;
DROP TABLE triune_task_definitions;
