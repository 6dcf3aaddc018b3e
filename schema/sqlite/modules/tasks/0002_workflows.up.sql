-- Workflows: what is to be done in which order, and how far each execution of it is. What a step is waiting for is an
-- item of a queue. Times are milliseconds since 1970; documents are JSON.

CREATE TABLE triune_workflows (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 64),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  description TEXT NOT NULL DEFAULT '',
  workflow_type TEXT NOT NULL CHECK (workflow_type IN ('task', 'sequential', 'parallel', 'conditional', 'dag', 'loop')),
  version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, name)
) STRICT, WITHOUT ROWID;

-- An execution goes on with the version that it was started with.
CREATE TABLE triune_workflow_versions (
  organization_id INTEGER NOT NULL,
  workflow_id TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  document TEXT NOT NULL CHECK (json_valid(document)),
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, workflow_id, version),
  FOREIGN KEY (organization_id, workflow_id) REFERENCES triune_workflows (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE triune_workflow_schedules (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 64),
  workflow_id TEXT NOT NULL,
  every_ms INTEGER CHECK (every_ms >= 1000),
  cron TEXT CHECK (length(cron) BETWEEN 9 AND 200),
  input TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(input)),
  next_at_ms INTEGER NOT NULL,
  last_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  CHECK ((every_ms IS NULL) <> (cron IS NULL)),
  FOREIGN KEY (organization_id, workflow_id) REFERENCES triune_workflows (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_workflow_schedules_due ON triune_workflow_schedules (organization_id, next_at_ms);
CREATE INDEX triune_workflow_schedules_by_workflow ON triune_workflow_schedules (organization_id, workflow_id);

-- `due_at_ms` is when the execution must have ended, `wake_at_ms` when time alone changes something.
CREATE TABLE triune_workflow_executions (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 64),
  workflow_id TEXT NOT NULL,
  version INTEGER NOT NULL,
  status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'compensating', 'completed', 'failed', 'cancelled')),
  ends_as TEXT NOT NULL DEFAULT '' CHECK (ends_as IN ('', 'failed', 'cancelled')),
  compensation TEXT NOT NULL DEFAULT 'none' CHECK (compensation IN ('none', 'running', 'completed', 'failed')),
  priority INTEGER NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 4),
  progress REAL NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
  trigger_source TEXT NOT NULL DEFAULT 'api' CHECK (trigger_source IN ('manual', 'scheduled', 'event', 'api')),
  trigger_data TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(trigger_data)),
  schedule_id TEXT,
  scheduled_for_ms INTEGER,
  input TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(input)),
  output TEXT NOT NULL DEFAULT 'null' CHECK (json_valid(output)),
  error TEXT NOT NULL DEFAULT '',
  due_at_ms INTEGER,
  wake_at_ms INTEGER,
  paused_at_ms INTEGER,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  PRIMARY KEY (organization_id, id),
  CHECK ((status IN ('completed', 'failed', 'cancelled')) = (ended_at_ms IS NOT NULL)),
  CHECK (status <> 'compensating' OR ends_as <> ''),
  CHECK ((schedule_id IS NULL) = (scheduled_for_ms IS NULL)),
  FOREIGN KEY (organization_id, workflow_id, version)
    REFERENCES triune_workflow_versions (organization_id, workflow_id, version)
) STRICT, WITHOUT ROWID;

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
  organization_id INTEGER NOT NULL,
  execution_id TEXT NOT NULL,
  key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 110),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64),
  step_type TEXT NOT NULL CHECK (step_type IN ('task', 'sequential', 'parallel', 'conditional', 'dag', 'loop', 'compensation')),
  status TEXT NOT NULL DEFAULT 'running' CHECK (status IN ('running', 'completed', 'failed', 'cancelled')),
  attempt INTEGER NOT NULL DEFAULT 1 CHECK (attempt > 0),
  iteration INTEGER NOT NULL DEFAULT 0 CHECK (iteration >= 0),
  place INTEGER NOT NULL DEFAULT 0 CHECK (place >= 0),
  item_id TEXT,
  data TEXT NOT NULL DEFAULT 'null' CHECK (json_valid(data)),
  output TEXT NOT NULL DEFAULT 'null' CHECK (json_valid(output)),
  error TEXT NOT NULL DEFAULT '',
  due_at_ms INTEGER,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  PRIMARY KEY (organization_id, execution_id, key),
  CHECK ((status = 'running') = (ended_at_ms IS NULL)),
  FOREIGN KEY (organization_id, execution_id) REFERENCES triune_workflow_executions (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Items of steps that ended and were not looked at yet. Workers only add here, so that they never wait for each other.
CREATE TABLE triune_workflow_wakes (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  execution_id TEXT NOT NULL,
  item_id TEXT NOT NULL,
  PRIMARY KEY (organization_id, execution_id, item_id)
) STRICT, WITHOUT ROWID;

-- The id of such an item is wf:EXECUTION:KEY:ATTEMPT; an execution's id holds no colon.
CREATE TRIGGER triune_queue_items_wake AFTER UPDATE OF state ON triune_queue_items
WHEN new.id LIKE 'wf:%:%' AND new.state IN ('completed', 'dead', 'cancelled') AND old.state <> new.state BEGIN
  INSERT INTO triune_workflow_wakes (organization_id, execution_id, item_id)
  SELECT new.organization_id, substr(new.id, 4, instr(substr(new.id, 4), ':') - 1), new.id
  WHERE NOT EXISTS (SELECT 1 FROM triune_workflow_wakes WHERE organization_id = new.organization_id
    AND execution_id = substr(new.id, 4, instr(substr(new.id, 4), ':') - 1) AND item_id = new.id);
END;

CREATE TRIGGER triune_queue_items_gone AFTER DELETE ON triune_queue_items
WHEN old.id LIKE 'wf:%:%' AND old.state NOT IN ('completed', 'cancelled') BEGIN
  INSERT INTO triune_workflow_wakes (organization_id, execution_id, item_id)
  SELECT old.organization_id, substr(old.id, 4, instr(substr(old.id, 4), ':') - 1), old.id
  WHERE NOT EXISTS (SELECT 1 FROM triune_workflow_wakes WHERE organization_id = old.organization_id
    AND execution_id = substr(old.id, 4, instr(substr(old.id, 4), ':') - 1) AND item_id = old.id);
END;

-- What ended stays ended.
CREATE TRIGGER triune_workflow_executions_ended BEFORE UPDATE OF status ON triune_workflow_executions
WHEN old.status IN ('completed', 'failed', 'cancelled') AND new.status <> old.status BEGIN
  SELECT RAISE(ABORT, 'an execution that has ended does not change its status');
END;

CREATE TRIGGER triune_workflow_steps_ended BEFORE UPDATE OF status ON triune_workflow_steps
WHEN old.status <> 'running' AND new.status <> old.status BEGIN
  SELECT RAISE(ABORT, 'a step that has ended does not change its status');
END;

-- What people read.
CREATE VIEW triune_workflow_progress AS
SELECT e.organization_id, e.id AS execution_id, w.name AS workflow, e.version, e.status, e.paused_at_ms IS NOT NULL AS paused,
       e.progress, e.started_at_ms, e.ended_at_ms,
       (SELECT count(*) FROM triune_workflow_steps s WHERE s.organization_id = e.organization_id
         AND s.execution_id = e.id AND s.status = 'running' AND s.step_type IN ('task', 'compensation')) AS steps_running,
       (SELECT count(*) FROM triune_workflow_steps s WHERE s.organization_id = e.organization_id
         AND s.execution_id = e.id AND s.status = 'completed' AND s.step_type = 'task') AS steps_completed
FROM triune_workflow_executions e
JOIN triune_workflows w ON w.organization_id = e.organization_id AND w.id = e.workflow_id;

CREATE VIEW triune_workflow_execution_summary AS
SELECT e.organization_id, e.workflow_id, w.name AS workflow, e.status, count(*) AS executions,
       min(e.started_at_ms) AS first_started_at_ms, max(e.started_at_ms) AS last_started_at_ms
FROM triune_workflow_executions e
JOIN triune_workflows w ON w.organization_id = e.organization_id AND w.id = e.workflow_id
GROUP BY e.organization_id, e.workflow_id, w.name, e.status;
