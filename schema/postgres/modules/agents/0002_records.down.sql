DELETE FROM triune_hive WHERE key LIKE 'module.agents.%';
DELETE FROM triune_nodes WHERE label_id IN (SELECT collection_id FROM triune_collections WHERE kind = 'label' AND name = 'Decision')
  AND EXISTS (SELECT 1 FROM triune_decisions r WHERE r.organization_id = triune_nodes.organization_id AND r.id = triune_nodes.id);
DROP VIEW triune_decision_outcomes;
DROP VIEW triune_agent_ratings;
DROP VIEW triune_available_agents;
DROP TRIGGER triune_context_sessions_history ON triune_context_sessions;
DROP TRIGGER triune_context_sessions_filled ON triune_context_sessions;
DROP TABLE triune_context_history;
DROP TABLE triune_decisions;
DROP TABLE triune_agent_feedback;
DROP TABLE triune_agent_absences;
DROP FUNCTION triune_context_sessions_history();
DROP FUNCTION triune_decisions_before();

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
