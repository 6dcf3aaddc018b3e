-- What is derived from these tables goes with them, but for triggers on other tables.
DROP TRIGGER IF EXISTS triune_shared_triune_agents_put ON triune_nodes;
DROP TRIGGER IF EXISTS triune_shared_triune_agents_kept ON triune_nodes;
DROP FUNCTION IF EXISTS triune_shared_triune_agents_put();
DROP FUNCTION IF EXISTS triune_shared_triune_agents_kept();
DELETE FROM triune_nodes WHERE label_id IN (SELECT collection_id FROM triune_collections WHERE kind = 'label' AND name = 'Agent')
  AND EXISTS (SELECT 1 FROM triune_agents r WHERE r.organization_id = triune_nodes.organization_id AND r.id = triune_nodes.id);
DELETE FROM triune_nodes WHERE label_id IN (SELECT collection_id FROM triune_collections WHERE kind = 'label' AND name = 'Memory')
  AND EXISTS (SELECT 1 FROM triune_memories r WHERE r.organization_id = triune_nodes.organization_id AND r.id = triune_nodes.id);
DELETE FROM triune_hive WHERE key LIKE 'module.agents.%';
-- The name of the collection stays, as all names do to which the change log refers by number; it is empty, in the engine too.
DELETE FROM triune_vector_texts WHERE collection_id IN (SELECT collection_id FROM triune_collections WHERE kind = 'vector' AND name = 'agent_memories');
DELETE FROM triune_vectors WHERE collection_id IN (SELECT collection_id FROM triune_collections WHERE kind = 'vector' AND name = 'agent_memories');
DELETE FROM triune_blob_references WHERE owner IN ('triune_context', 'triune_snapshots');
DROP VIEW triune_agent_summary;
DROP TRIGGER triune_tasks_team ON triune_tasks;
DROP TABLE triune_memory_texts;
DROP TABLE triune_memories;
DROP TABLE triune_configurations;
DROP TABLE triune_configuration_versions;
DROP TABLE triune_key_values;
DROP TABLE triune_memory_snapshots;
DROP TABLE triune_context_events;
DROP TABLE triune_context_sessions;
DROP TABLE triune_task_teams;
DROP TABLE triune_collaborations;
DROP TABLE triune_agent_deliveries;
DROP TABLE triune_agent_messages;
DROP TABLE triune_agent_capabilities;
DROP TABLE triune_agent_heartbeats;
DROP TABLE triune_agents;
DROP FUNCTION triune_memories_after();
DROP FUNCTION triune_configuration_versions_stay();
DROP FUNCTION triune_configurations_after();
DROP FUNCTION triune_configurations_before();
DROP FUNCTION triune_memory_snapshots_deleted();
DROP FUNCTION triune_context_sessions_after();
DROP FUNCTION triune_context_level(bigint, bigint);
DROP FUNCTION triune_task_teams_after();
DROP FUNCTION triune_tasks_team();
DROP FUNCTION triune_agent_messages_after();
DROP FUNCTION triune_collaborate(bigint, text, text, bigint, bigint, bigint);
DROP FUNCTION triune_agents_after();
DROP FUNCTION triune_agents_before();

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
