-- Workflows: what is to be done in which order, and how far each execution of it is. What a step is waiting for is an
-- item of a queue. Times are milliseconds since 1970; documents are JSON.

CREATE TABLE triune_workflows (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 64),
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  description text NOT NULL DEFAULT '',
  workflow_type text NOT NULL CHECK (workflow_type IN ('task', 'sequential', 'parallel', 'conditional', 'dag', 'loop')),
  version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, name)
);

-- An execution goes on with the version that it was started with.
CREATE TABLE triune_workflow_versions (
  organization_id bigint NOT NULL,
  workflow_id text NOT NULL,
  version bigint NOT NULL CHECK (version > 0),
  document text NOT NULL CHECK (CAST(document AS json) IS NOT NULL),
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, workflow_id, version),
  FOREIGN KEY (organization_id, workflow_id) REFERENCES triune_workflows (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE triune_workflow_schedules (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 64),
  workflow_id text NOT NULL,
  every_ms bigint CHECK (every_ms >= 1000),
  cron text CHECK (length(cron) BETWEEN 9 AND 200),
  input text NOT NULL DEFAULT '{}' CHECK (CAST(input AS json) IS NOT NULL),
  next_at_ms bigint NOT NULL,
  last_at_ms bigint,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  CHECK ((every_ms IS NULL) <> (cron IS NULL)),
  FOREIGN KEY (organization_id, workflow_id) REFERENCES triune_workflows (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_workflow_schedules_due ON triune_workflow_schedules (organization_id, next_at_ms);
CREATE INDEX triune_workflow_schedules_by_workflow ON triune_workflow_schedules (organization_id, workflow_id);

-- `due_at_ms` is when the execution must have ended, `wake_at_ms` when time alone changes something.
CREATE TABLE triune_workflow_executions (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 64),
  workflow_id text NOT NULL,
  version bigint NOT NULL,
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'compensating', 'completed', 'failed', 'cancelled')),
  ends_as text NOT NULL DEFAULT '' CHECK (ends_as IN ('', 'failed', 'cancelled')),
  compensation text NOT NULL DEFAULT 'none' CHECK (compensation IN ('none', 'running', 'completed', 'failed')),
  priority bigint NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 4),
  progress double precision NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
  trigger_source text NOT NULL DEFAULT 'api' CHECK (trigger_source IN ('manual', 'scheduled', 'event', 'api')),
  trigger_data text NOT NULL DEFAULT '{}' CHECK (CAST(trigger_data AS json) IS NOT NULL),
  schedule_id text,
  scheduled_for_ms bigint,
  input text NOT NULL DEFAULT '{}' CHECK (CAST(input AS json) IS NOT NULL),
  output text NOT NULL DEFAULT 'null' CHECK (CAST(output AS json) IS NOT NULL),
  error text NOT NULL DEFAULT '',
  due_at_ms bigint,
  wake_at_ms bigint,
  paused_at_ms bigint,
  started_at_ms bigint NOT NULL,
  ended_at_ms bigint,
  PRIMARY KEY (organization_id, id),
  CHECK ((status IN ('completed', 'failed', 'cancelled')) = (ended_at_ms IS NOT NULL)),
  CHECK (status <> 'compensating' OR ends_as <> ''),
  CHECK ((schedule_id IS NULL) = (scheduled_for_ms IS NULL)),
  FOREIGN KEY (organization_id, workflow_id, version)
    REFERENCES triune_workflow_versions (organization_id, workflow_id, version)
);

CREATE INDEX triune_workflow_executions_by_workflow ON triune_workflow_executions (organization_id, workflow_id, status);
CREATE INDEX triune_workflow_executions_by_version ON triune_workflow_executions (organization_id, workflow_id, version);
CREATE INDEX triune_workflow_executions_by_status ON triune_workflow_executions (organization_id, status, started_at_ms);
CREATE INDEX triune_workflow_executions_wake ON triune_workflow_executions (organization_id, wake_at_ms)
WHERE wake_at_ms IS NOT NULL AND paused_at_ms IS NULL;
-- Each due time of a schedule starts once, whoever notices it.
CREATE UNIQUE INDEX triune_workflow_executions_by_schedule
ON triune_workflow_executions (organization_id, schedule_id, scheduled_for_ms) WHERE schedule_id IS NOT NULL;

-- `key` is the step's name with the numbers of the iterations it is in: "send", "send[2]"; of a compensation with "/undo"
-- behind it. `place` orders steps by when they ended well.
CREATE TABLE triune_workflow_steps (
  organization_id bigint NOT NULL,
  execution_id text NOT NULL,
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 110),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
  step_type text NOT NULL CHECK (step_type IN ('task', 'sequential', 'parallel', 'conditional', 'dag', 'loop', 'compensation')),
  status text NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
  attempt bigint NOT NULL DEFAULT 1 CHECK (attempt > 0),
  iteration bigint NOT NULL DEFAULT 0 CHECK (iteration >= 0),
  place bigint NOT NULL DEFAULT 0 CHECK (place >= 0),
  item_id text,
  data text NOT NULL DEFAULT 'null' CHECK (CAST(data AS json) IS NOT NULL),
  output text NOT NULL DEFAULT 'null' CHECK (CAST(output AS json) IS NOT NULL),
  error text NOT NULL DEFAULT '',
  due_at_ms bigint,
  started_at_ms bigint NOT NULL,
  ended_at_ms bigint,
  PRIMARY KEY (organization_id, execution_id, key),
  CHECK ((status = 'running') = (ended_at_ms IS NULL)),
  FOREIGN KEY (organization_id, execution_id) REFERENCES triune_workflow_executions (organization_id, id) ON DELETE CASCADE
);

-- Items of steps that ended and were not looked at yet. Workers only add here, so that they never wait for each other.
CREATE TABLE triune_workflow_wakes (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  execution_id text NOT NULL,
  item_id text NOT NULL,
  PRIMARY KEY (organization_id, execution_id, item_id)
);

-- The id of such an item is wf:EXECUTION:KEY:ATTEMPT; an execution's id holds no colon.
CREATE FUNCTION triune_queue_items_wake() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  INSERT INTO triune_workflow_wakes (organization_id, execution_id, item_id)
  VALUES (old.organization_id, split_part(old.id, ':', 2), old.id) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_queue_items_wake AFTER UPDATE OF state ON triune_queue_items
FOR EACH ROW WHEN (new.id LIKE 'wf:%:%' AND new.state IN ('completed', 'dead', 'cancelled') AND old.state <> new.state)
EXECUTE FUNCTION triune_queue_items_wake();

CREATE TRIGGER triune_queue_items_gone AFTER DELETE ON triune_queue_items
FOR EACH ROW WHEN (old.id LIKE 'wf:%:%' AND old.state NOT IN ('completed', 'cancelled'))
EXECUTE FUNCTION triune_queue_items_wake();

-- What ended stays ended.
CREATE FUNCTION triune_workflow_executions_ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'an execution that has ended does not change its status' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER triune_workflow_executions_ended BEFORE UPDATE OF status ON triune_workflow_executions
FOR EACH ROW WHEN (old.status IN ('completed', 'failed', 'cancelled') AND new.status <> old.status)
EXECUTE FUNCTION triune_workflow_executions_ended();

CREATE FUNCTION triune_workflow_steps_ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'a step that has ended does not change its status' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER triune_workflow_steps_ended BEFORE UPDATE OF status ON triune_workflow_steps
FOR EACH ROW WHEN (old.status <> 'running' AND new.status <> old.status)
EXECUTE FUNCTION triune_workflow_steps_ended();

-- What people read.
CREATE VIEW triune_workflow_progress WITH (security_invoker = true) AS
SELECT e.organization_id, e.id AS execution_id, w.name AS workflow, e.version, e.status, CAST(e.paused_at_ms IS NOT NULL AS integer) AS paused,
       e.progress, e.started_at_ms, e.ended_at_ms,
       (SELECT count(*) FROM triune_workflow_steps s WHERE s.organization_id = e.organization_id
         AND s.execution_id = e.id AND s.status = 'running' AND s.step_type IN ('task', 'compensation')) AS steps_running,
       (SELECT count(*) FROM triune_workflow_steps s WHERE s.organization_id = e.organization_id
         AND s.execution_id = e.id AND s.status = 'completed' AND s.step_type = 'task') AS steps_completed
FROM triune_workflow_executions e
JOIN triune_workflows w ON w.organization_id = e.organization_id AND w.id = e.workflow_id;

CREATE VIEW triune_workflow_execution_summary WITH (security_invoker = true) AS
SELECT e.organization_id, e.workflow_id, w.name AS workflow, e.status, count(*) AS executions,
       min(e.started_at_ms) AS first_started_at_ms, max(e.started_at_ms) AS last_started_at_ms
FROM triune_workflow_executions e
JOIN triune_workflows w ON w.organization_id = e.organization_id AND w.id = e.workflow_id
GROUP BY e.organization_id, e.workflow_id, w.name, e.status;
