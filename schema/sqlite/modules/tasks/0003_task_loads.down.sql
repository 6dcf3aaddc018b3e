DROP VIEW triune_agent_load;
CREATE VIEW triune_agent_load AS
SELECT organization_id, assigned_to AS agent, sum(status = 'in_progress') AS in_progress, sum(status = 'assigned') AS assigned,
       sum(status = 'blocked') AS blocked, sum(status = 'review') AS review
FROM triune_tasks
WHERE assigned_to IS NOT NULL AND status IN ('in_progress', 'assigned', 'blocked', 'review')
GROUP BY organization_id, assigned_to;
DROP TRIGGER triune_tasks_load_delete;
DROP TRIGGER triune_tasks_load_update;
DROP TRIGGER triune_tasks_load_insert;
DROP TABLE triune_task_loads;
