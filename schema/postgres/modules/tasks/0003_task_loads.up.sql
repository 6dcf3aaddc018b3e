-- How many tasks of each status an agent has, kept as tasks change. The sum over shards counts: transactions that run side by side write different ones.
CREATE TABLE triune_task_loads (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  agent text NOT NULL,
  status text NOT NULL,
  shard bigint NOT NULL DEFAULT 0,
  tasks bigint NOT NULL,
  PRIMARY KEY (organization_id, agent, status, shard)
);

CREATE FUNCTION triune_task_load_add(organization bigint, whose text, its_status text, more bigint) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT
AS $$
  INSERT INTO triune_task_loads (organization_id, agent, status, shard, tasks)
  SELECT organization, whose, its_status, pg_backend_pid() % 16, more WHERE whose IS NOT NULL
  ON CONFLICT (organization_id, agent, status, shard) DO UPDATE SET tasks = triune_task_loads.tasks + more
$$;

CREATE FUNCTION triune_tasks_load() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'UPDATE' AND old.status = new.status AND old.assigned_to IS NOT DISTINCT FROM new.assigned_to THEN
    RETURN NULL;
  END IF;
  IF TG_OP <> 'INSERT' THEN PERFORM triune_task_load_add(old.organization_id, old.assigned_to, old.status, -1); END IF;
  IF TG_OP <> 'DELETE' THEN PERFORM triune_task_load_add(new.organization_id, new.assigned_to, new.status, 1); END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_tasks_load AFTER INSERT OR UPDATE OF status, assigned_to OR DELETE ON triune_tasks
FOR EACH ROW EXECUTE FUNCTION triune_tasks_load();

INSERT INTO triune_task_loads (organization_id, agent, status, tasks)
SELECT organization_id, assigned_to, status, count(*) FROM triune_tasks WHERE assigned_to IS NOT NULL
GROUP BY organization_id, assigned_to, status;

DROP VIEW triune_agent_load;
CREATE VIEW triune_agent_load WITH (security_invoker = true) AS
SELECT organization_id, agent, CAST(sum(CASE status WHEN 'in_progress' THEN tasks ELSE 0 END) AS bigint) AS in_progress,
       CAST(sum(CASE status WHEN 'assigned' THEN tasks ELSE 0 END) AS bigint) AS assigned,
       CAST(sum(CASE status WHEN 'blocked' THEN tasks ELSE 0 END) AS bigint) AS blocked,
       CAST(sum(CASE status WHEN 'review' THEN tasks ELSE 0 END) AS bigint) AS review
FROM triune_task_loads
WHERE status IN ('in_progress', 'assigned', 'blocked', 'review')
GROUP BY organization_id, agent
HAVING sum(tasks) > 0;
