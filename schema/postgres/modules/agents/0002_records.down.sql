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
