DROP VIEW triune_agent_load;
CREATE VIEW triune_agent_load WITH (security_invoker = true) AS
SELECT organization_id, assigned_to AS agent, count(*) FILTER (WHERE status = 'in_progress') AS in_progress,
       count(*) FILTER (WHERE status = 'assigned') AS assigned, count(*) FILTER (WHERE status = 'blocked') AS blocked,
       count(*) FILTER (WHERE status = 'review') AS review
FROM triune_tasks
WHERE assigned_to IS NOT NULL AND status IN ('in_progress', 'assigned', 'blocked', 'review')
GROUP BY organization_id, assigned_to;
DROP TRIGGER triune_tasks_load ON triune_tasks;
DROP FUNCTION triune_tasks_load();
DROP FUNCTION triune_task_load_add(bigint, text, text, bigint);
DROP TABLE triune_task_loads;

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
