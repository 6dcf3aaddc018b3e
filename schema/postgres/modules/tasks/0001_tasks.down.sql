-- What is derived from these tables goes with them, but for triggers on other tables.
DROP TRIGGER IF EXISTS triune_shared_triune_tasks_put ON triune_nodes;
DROP TRIGGER IF EXISTS triune_shared_triune_tasks_kept ON triune_nodes;
DROP FUNCTION IF EXISTS triune_shared_triune_tasks_put();
DROP FUNCTION IF EXISTS triune_shared_triune_tasks_kept();
DELETE FROM triune_nodes WHERE label_id IN (SELECT collection_id FROM triune_collections WHERE kind = 'label' AND name = 'Task')
  AND EXISTS (SELECT 1 FROM triune_tasks r WHERE r.organization_id = triune_nodes.organization_id AND r.id = triune_nodes.id);
DELETE FROM triune_hive WHERE key LIKE 'module.tasks.%';
DROP VIEW triune_agent_load;
DROP VIEW triune_task_summary;
DROP VIEW triune_task_hierarchy;
DROP VIEW triune_task_dependency_graph;
DROP VIEW triune_ready_tasks;
DROP TABLE triune_task_order;
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
DROP FUNCTION triune_queue_items_task();
DROP FUNCTION triune_task_dependencies_counted();
DROP FUNCTION triune_task_dependencies_satisfied();
DROP FUNCTION triune_task_dependencies_before();
DROP FUNCTION triune_tasks_after();
DROP FUNCTION triune_tasks_count_parts(bigint, text);
DROP FUNCTION triune_tasks_before();
DROP FUNCTION triune_task_is_ordering(text);
DROP FUNCTION triune_task_is_met(text, text);
DROP FUNCTION triune_task_day_add(bigint, bigint, text, bigint);
DROP SEQUENCE triune_task_ordinals;

-- A trigger goes with its table, and the function that was derived for it does not.
DO $$
DECLARE
  derived regprocedure;
BEGIN
  FOR derived IN
    SELECT p.oid FROM pg_proc p WHERE p.pronamespace = CAST(current_schema() AS regnamespace)
      AND p.proname ~ '^triune_(graph|audit)_triune_' AND p.prorettype = CAST('trigger' AS regtype)
      AND NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgfoid = p.oid)
  LOOP
    EXECUTE 'DROP FUNCTION ' || derived;
  END LOOP;
END $$;
