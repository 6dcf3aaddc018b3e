DROP VIEW triune_workflow_execution_summary;
DROP VIEW triune_workflow_progress;
DROP TRIGGER triune_queue_items_gone ON triune_queue_items;
DROP TRIGGER triune_queue_items_wake ON triune_queue_items;
DROP TABLE triune_workflow_wakes;
DROP TABLE triune_workflow_steps;
DROP TABLE triune_workflow_executions;
DROP TABLE triune_workflow_schedules;
DROP TABLE triune_workflow_versions;
DROP TABLE triune_workflows;
DROP FUNCTION triune_workflow_steps_ended();
DROP FUNCTION triune_workflow_executions_ended();
DROP FUNCTION triune_queue_items_wake();

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
