-- How many tasks of each status an agent has, kept as tasks change. The sum over shards counts: transactions that run side by side write different ones.
CREATE TABLE triune_task_loads (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  agent TEXT NOT NULL,
  status TEXT NOT NULL,
  shard INTEGER NOT NULL DEFAULT 0,
  tasks INTEGER NOT NULL,
  PRIMARY KEY (organization_id, agent, status, shard)
) STRICT, WITHOUT ROWID;

INSERT INTO triune_task_loads (organization_id, agent, status, tasks)
SELECT organization_id, assigned_to, status, count(*) FROM triune_tasks WHERE assigned_to IS NOT NULL
GROUP BY organization_id, assigned_to, status;

CREATE TRIGGER triune_tasks_load_insert AFTER INSERT ON triune_tasks WHEN new.assigned_to IS NOT NULL BEGIN
  UPDATE triune_task_loads SET tasks = tasks + 1
  WHERE organization_id = new.organization_id AND agent = new.assigned_to AND status = new.status;
  INSERT INTO triune_task_loads (organization_id, agent, status, tasks)
  SELECT new.organization_id, new.assigned_to, new.status, 1 WHERE NOT EXISTS (
    SELECT 1 FROM triune_task_loads
    WHERE organization_id = new.organization_id AND agent = new.assigned_to AND status = new.status);
END;

CREATE TRIGGER triune_tasks_load_update AFTER UPDATE OF status, assigned_to ON triune_tasks
WHEN (old.status <> new.status OR old.assigned_to IS NOT new.assigned_to)
 AND (old.assigned_to IS NOT NULL OR new.assigned_to IS NOT NULL) BEGIN
  UPDATE triune_task_loads SET tasks = tasks - 1
  WHERE organization_id = old.organization_id AND agent = old.assigned_to AND status = old.status;
  UPDATE triune_task_loads SET tasks = tasks + 1
  WHERE organization_id = new.organization_id AND agent = new.assigned_to AND status = new.status;
  INSERT INTO triune_task_loads (organization_id, agent, status, tasks)
  SELECT new.organization_id, new.assigned_to, new.status, 1 WHERE new.assigned_to IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM triune_task_loads
    WHERE organization_id = new.organization_id AND agent = new.assigned_to AND status = new.status);
END;

CREATE TRIGGER triune_tasks_load_delete AFTER DELETE ON triune_tasks WHEN old.assigned_to IS NOT NULL BEGIN
  UPDATE triune_task_loads SET tasks = tasks - 1
  WHERE organization_id = old.organization_id AND agent = old.assigned_to AND status = old.status;
END;

DROP VIEW triune_agent_load;
CREATE VIEW triune_agent_load AS
SELECT organization_id, agent, sum(CASE status WHEN 'in_progress' THEN tasks ELSE 0 END) AS in_progress,
       sum(CASE status WHEN 'assigned' THEN tasks ELSE 0 END) AS assigned,
       sum(CASE status WHEN 'blocked' THEN tasks ELSE 0 END) AS blocked,
       sum(CASE status WHEN 'review' THEN tasks ELSE 0 END) AS review
FROM triune_task_loads
WHERE status IN ('in_progress', 'assigned', 'blocked', 'review')
GROUP BY organization_id, agent
HAVING sum(tasks) > 0;
