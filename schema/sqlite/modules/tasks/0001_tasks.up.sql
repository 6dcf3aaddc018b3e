-- Tasks: what is to be done, what it depends on, and what came of it. Times are milliseconds since 1970; documents are JSON.

CREATE TABLE triune_task_definitions (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 400),
  task_type TEXT NOT NULL DEFAULT 'custom' CHECK (length(task_type) BETWEEN 1 AND 100),
  category TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL DEFAULT '',
  default_configuration TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(default_configuration)),
  required_inputs TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(required_inputs)),
  expected_outputs TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(expected_outputs)),
  execution_mode TEXT NOT NULL DEFAULT 'automatic'
    CHECK (execution_mode IN ('manual', 'automatic', 'scheduled', 'triggered', 'continuous')),
  timeout_ms INTEGER NOT NULL DEFAULT 3600000 CHECK (timeout_ms > 0),
  max_retries INTEGER NOT NULL DEFAULT 3 CHECK (max_retries >= 0),
  version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
  active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, name)
) STRICT, WITHOUT ROWID;

-- The canonical statuses, and which may follow which (the lists of other systems are mapped to these on the way in).
CREATE TABLE triune_task_transitions (
  from_status TEXT NOT NULL,
  to_status TEXT NOT NULL,
  PRIMARY KEY (from_status, to_status)
) STRICT, WITHOUT ROWID;

INSERT INTO triune_task_transitions (from_status, to_status) VALUES
  ('draft', 'pending'), ('draft', 'cancelled'), ('draft', 'archived'),
  ('pending', 'draft'), ('pending', 'assigned'), ('pending', 'in_progress'), ('pending', 'blocked'),
  ('pending', 'cancelled'), ('pending', 'failed'),
  ('assigned', 'pending'), ('assigned', 'in_progress'), ('assigned', 'blocked'), ('assigned', 'cancelled'),
  ('assigned', 'failed'),
  ('in_progress', 'pending'), ('in_progress', 'assigned'), ('in_progress', 'blocked'), ('in_progress', 'review'),
  ('in_progress', 'completed'), ('in_progress', 'failed'), ('in_progress', 'cancelled'),
  ('blocked', 'pending'), ('blocked', 'assigned'), ('blocked', 'in_progress'), ('blocked', 'cancelled'),
  ('blocked', 'failed'),
  ('review', 'in_progress'), ('review', 'completed'), ('review', 'failed'), ('review', 'cancelled'),
  ('completed', 'archived'),
  ('failed', 'pending'), ('failed', 'archived'), ('failed', 'cancelled'),
  ('cancelled', 'pending'), ('cancelled', 'archived');

-- `unmet_dependencies`, `children`, `children_completed` and `archived_from`, the status before, are kept by triggers. `ordinal` orders tasks so that whoever
-- depends on another comes after it: a dependency along that order can close no cycle (src/modules/tasks/dependencies.h).
CREATE TABLE triune_tasks (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  definition_id TEXT,
  parent_id TEXT CHECK (parent_id <> id),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 400),
  description TEXT NOT NULL DEFAULT '',
  task_type TEXT NOT NULL DEFAULT 'custom' CHECK (length(task_type) BETWEEN 1 AND 100),
  status TEXT NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'pending', 'assigned', 'in_progress', 'blocked', 'review',
    'completed', 'failed', 'cancelled', 'archived')),
  archived_from TEXT CHECK (archived_from IN ('draft', 'completed', 'failed', 'cancelled')),
  priority INTEGER NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 4),
  progress REAL NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
  assigned_to TEXT CHECK (length(assigned_to) BETWEEN 1 AND 200),
  created_by TEXT NOT NULL DEFAULT '',
  configuration TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(configuration)),
  input TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(input)),
  output TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(output)),
  error TEXT NOT NULL DEFAULT '',
  due_at_ms INTEGER,
  scheduled_at_ms INTEGER NOT NULL DEFAULT 0,
  assigned_at_ms INTEGER,
  started_at_ms INTEGER,
  ended_at_ms INTEGER,
  estimated_minutes REAL CHECK (estimated_minutes >= 0),
  quality REAL CHECK (quality BETWEEN 0 AND 1),
  retries INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0),
  max_retries INTEGER NOT NULL DEFAULT 3 CHECK (max_retries >= 0),
  external_id TEXT,
  external_url TEXT,
  tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
  unmet_dependencies INTEGER NOT NULL DEFAULT 0 CHECK (unmet_dependencies >= 0),
  children INTEGER NOT NULL DEFAULT 0 CHECK (children >= 0),
  children_completed INTEGER NOT NULL DEFAULT 0 CHECK (children_completed >= 0),
  ordinal INTEGER NOT NULL DEFAULT 0,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, definition_id) REFERENCES triune_task_definitions (organization_id, id),
  FOREIGN KEY (organization_id, parent_id) REFERENCES triune_tasks (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_tasks_ready ON triune_tasks (organization_id, priority DESC, scheduled_at_ms)
WHERE status = 'pending' AND unmet_dependencies = 0;
CREATE INDEX triune_tasks_by_parent ON triune_tasks (organization_id, parent_id) WHERE parent_id IS NOT NULL;
CREATE INDEX triune_tasks_by_definition ON triune_tasks (organization_id, definition_id) WHERE definition_id IS NOT NULL;
CREATE INDEX triune_tasks_by_assignee ON triune_tasks (organization_id, assigned_to, status) WHERE assigned_to IS NOT NULL;
CREATE INDEX triune_tasks_by_status ON triune_tasks (organization_id, status, updated_at_ms);
CREATE INDEX triune_tasks_by_ordinal ON triune_tasks (organization_id, ordinal);
CREATE UNIQUE INDEX triune_tasks_by_external_id ON triune_tasks (organization_id, external_id) WHERE external_id IS NOT NULL;

-- The source depends on the target. `condition` says what of the target satisfies it.
CREATE TABLE triune_task_dependencies (
  organization_id INTEGER NOT NULL,
  source_id TEXT NOT NULL,
  target_id TEXT NOT NULL,
  dependency_type TEXT NOT NULL CHECK (dependency_type IN ('blocks', 'depends_on', 'related_to', 'subtask_of', 'triggers',
    'conflicts_with')),
  hard INTEGER NOT NULL DEFAULT 1 CHECK (hard IN (0, 1)),
  condition TEXT NOT NULL DEFAULT 'success' CHECK (condition IN ('success', 'completion', 'failure')),
  delay_ms INTEGER NOT NULL DEFAULT 0 CHECK (delay_ms >= 0),
  satisfied INTEGER NOT NULL DEFAULT 0 CHECK (satisfied IN (0, 1)),
  satisfied_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, source_id, target_id, dependency_type),
  CHECK (source_id <> target_id),
  FOREIGN KEY (organization_id, source_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, target_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_task_dependencies_by_target ON triune_task_dependencies (organization_id, target_id, dependency_type);

CREATE TABLE triune_task_executions (
  organization_id INTEGER NOT NULL,
  task_id TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number > 0),
  worker TEXT NOT NULL DEFAULT '',
  outcome TEXT NOT NULL CHECK (outcome IN ('completed', 'failed', 'cancelled', 'expired', 'released')),
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER NOT NULL,
  message TEXT NOT NULL DEFAULT '',
  data TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(data)),
  PRIMARY KEY (organization_id, task_id, number),
  CHECK (ended_at_ms >= started_at_ms),
  FOREIGN KEY (organization_id, task_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE triune_task_comments (
  organization_id INTEGER NOT NULL,
  task_id TEXT NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  author TEXT NOT NULL,
  comment_type TEXT NOT NULL DEFAULT 'comment'
    CHECK (comment_type IN ('comment', 'status_change', 'assignment', 'system')),
  content TEXT NOT NULL CHECK (length(content) > 0),
  created_at_ms INTEGER NOT NULL,
  edited_at_ms INTEGER,
  PRIMARY KEY (organization_id, task_id, id),
  FOREIGN KEY (organization_id, task_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE triune_task_times (
  organization_id INTEGER NOT NULL,
  task_id TEXT NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  who TEXT NOT NULL,
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER NOT NULL,
  note TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (organization_id, task_id, id),
  CHECK (ended_at_ms > started_at_ms),
  FOREIGN KEY (organization_id, task_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TABLE triune_task_resources (
  organization_id INTEGER NOT NULL,
  task_id TEXT NOT NULL,
  measured_at_ms INTEGER NOT NULL,
  source TEXT NOT NULL DEFAULT '',
  cpu_percent REAL CHECK (cpu_percent >= 0),
  memory_mb REAL CHECK (memory_mb >= 0),
  storage_mb REAL CHECK (storage_mb >= 0),
  network_mb REAL CHECK (network_mb >= 0),
  tokens INTEGER CHECK (tokens >= 0),
  cost_cents REAL CHECK (cost_cents >= 0),
  PRIMARY KEY (organization_id, task_id, measured_at_ms, source),
  FOREIGN KEY (organization_id, task_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Work in queues. A lane is whose work it is: lanes of a queue take turns within a priority.
CREATE TABLE triune_queues (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  paused INTEGER NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  lease_ms INTEGER NOT NULL DEFAULT 60000 CHECK (lease_ms > 0),
  max_attempts INTEGER NOT NULL DEFAULT 5 CHECK (max_attempts > 0),
  backoff_ms INTEGER NOT NULL DEFAULT 1000 CHECK (backoff_ms >= 0),
  longest_backoff_ms INTEGER NOT NULL DEFAULT 600000 CHECK (longest_backoff_ms >= 0),
  PRIMARY KEY (organization_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE triune_queue_lanes (
  organization_id INTEGER NOT NULL,
  queue TEXT NOT NULL,
  lane TEXT NOT NULL CHECK (length(lane) <= 200),
  last_turn INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (organization_id, queue, lane),
  FOREIGN KEY (organization_id, queue) REFERENCES triune_queues (organization_id, name) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- `claim` grows with each claim: whoever holds an older one has lost the item.
-- Its checks are written with OR: SQLite makes a table of each list of three or more, for every row.
-- triune: allow unindexed-foreign-key queues and tasks with items are rarely deleted, and each index costs every claim
CREATE TABLE triune_queue_items (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  queue TEXT NOT NULL,
  lane TEXT NOT NULL DEFAULT '' CHECK (length(lane) <= 200),
  state TEXT NOT NULL CHECK (state = 'blocked' OR state = 'waiting' OR state = 'ready' OR state = 'claimed' OR state = 'completed'
    OR state = 'dead' OR state = 'cancelled'),
  priority INTEGER NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 4),
  turn INTEGER NOT NULL DEFAULT 0,
  due_at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  claim INTEGER NOT NULL DEFAULT 0 CHECK (claim >= 0),
  worker TEXT NOT NULL DEFAULT '' CHECK (length(worker) <= 200),
  claimed_at_ms INTEGER,
  lease_until_ms INTEGER,
  payload TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(payload)),
  result TEXT CHECK (result IS NULL OR json_valid(result)),
  last_error TEXT NOT NULL DEFAULT '',
  task_id TEXT,
  created_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  PRIMARY KEY (organization_id, id),
  CHECK ((state = 'claimed') = (lease_until_ms IS NOT NULL)),
  FOREIGN KEY (organization_id, queue) REFERENCES triune_queues (organization_id, name) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, task_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_queue_items_ready ON triune_queue_items (organization_id, queue, priority DESC, turn, id)
WHERE state = 'ready';
CREATE INDEX triune_queue_items_waiting ON triune_queue_items (organization_id, queue, due_at_ms) WHERE state = 'waiting';
CREATE INDEX triune_queue_items_claimed ON triune_queue_items (organization_id, queue, lease_until_ms)
WHERE state = 'claimed';
CREATE INDEX triune_queue_items_ended ON triune_queue_items (organization_id, queue, state, ended_at_ms)
WHERE ended_at_ms IS NOT NULL;
CREATE UNIQUE INDEX triune_queue_items_by_task ON triune_queue_items (organization_id, task_id)
WHERE task_id IS NOT NULL AND state IN ('blocked', 'waiting', 'ready', 'claimed');

-- How many tasks that were made on a day (since 1970) have a status now. The sum over shards counts: transactions that
-- run side by side write different ones.
CREATE TABLE triune_task_days (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  day INTEGER NOT NULL,
  status TEXT NOT NULL,
  shard INTEGER NOT NULL DEFAULT 0,
  tasks INTEGER NOT NULL,
  PRIMARY KEY (organization_id, day, status, shard)
) STRICT, WITHOUT ROWID;

-- Statuses.
CREATE TRIGGER triune_tasks_status BEFORE UPDATE OF status ON triune_tasks
WHEN old.status <> new.status AND NOT EXISTS (
  SELECT 1 FROM triune_task_transitions WHERE from_status = old.status AND to_status = new.status) BEGIN
  SELECT RAISE(ABORT, 'a task cannot go from its status to this one; triune_task_transitions lists what may follow');
END;

CREATE TRIGGER triune_tasks_identity BEFORE UPDATE OF organization_id, id ON triune_tasks
WHEN old.organization_id <> new.organization_id OR old.id <> new.id BEGIN
  SELECT RAISE(ABORT, 'the id of a task never changes');
END;

CREATE TRIGGER triune_tasks_archived AFTER UPDATE OF status ON triune_tasks
WHEN old.status <> new.status AND new.status = 'archived' BEGIN
  UPDATE triune_tasks SET archived_from = old.status WHERE organization_id = new.organization_id AND id = new.id;
END;

CREATE TRIGGER triune_tasks_ordinal AFTER INSERT ON triune_tasks WHEN new.ordinal = 0 BEGIN
  UPDATE triune_tasks
  SET ordinal = 1 + (SELECT coalesce(max(ordinal), 0) FROM triune_tasks WHERE organization_id = new.organization_id)
  WHERE organization_id = new.organization_id AND id = new.id;
END;

-- A task is no ancestor of itself.
CREATE TRIGGER triune_tasks_parent BEFORE UPDATE OF parent_id ON triune_tasks
WHEN new.parent_id IS NOT NULL AND new.parent_id IS NOT old.parent_id BEGIN
  SELECT RAISE(ABORT, 'a task cannot be a part of itself: its new parent is one of its own parts')
  WHERE EXISTS (
    WITH RECURSIVE above (id) AS (
      SELECT new.parent_id
      UNION
      SELECT t.parent_id FROM above a CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = a.id
      WHERE t.parent_id IS NOT NULL)
    SELECT 1 FROM above WHERE id = new.id);
END;

-- Progress of a parent: its completed parts among all of them.
CREATE TRIGGER triune_tasks_parts_insert AFTER INSERT ON triune_tasks WHEN new.parent_id IS NOT NULL BEGIN
  UPDATE triune_tasks
  SET children = children + 1, children_completed = children_completed + (new.status = 'completed'),
      progress = 100.0 * (children_completed + (new.status = 'completed')) / (children + 1)
  WHERE organization_id = new.organization_id AND id = new.parent_id;
END;

CREATE TRIGGER triune_tasks_parts_update AFTER UPDATE OF status ON triune_tasks
WHEN new.parent_id IS NOT NULL AND new.parent_id IS old.parent_id AND old.status <> new.status
 AND new.status = 'completed' BEGIN
  UPDATE triune_tasks
  SET children_completed = children_completed + 1, progress = 100.0 * (children_completed + 1) / children
  WHERE organization_id = new.organization_id AND id = new.parent_id;
END;

CREATE TRIGGER triune_tasks_parts_moved AFTER UPDATE OF parent_id ON triune_tasks
WHEN new.parent_id IS NOT old.parent_id BEGIN
  UPDATE triune_tasks
  SET children = (SELECT count(*) FROM triune_tasks c WHERE c.organization_id = new.organization_id
                  AND c.parent_id = triune_tasks.id),
      children_completed = (SELECT count(*) FROM triune_tasks c WHERE c.organization_id = new.organization_id
                  AND c.parent_id = triune_tasks.id AND coalesce(c.archived_from, c.status) = 'completed')
  WHERE organization_id = new.organization_id AND id IN (old.parent_id, new.parent_id);
  UPDATE triune_tasks SET progress = 100.0 * children_completed / children
  WHERE organization_id = new.organization_id AND id IN (old.parent_id, new.parent_id) AND children > 0;
END;

CREATE TRIGGER triune_tasks_parts_delete AFTER DELETE ON triune_tasks WHEN old.parent_id IS NOT NULL BEGIN
  UPDATE triune_tasks
  SET children = children - 1,
      children_completed = children_completed
        - (coalesce(old.archived_from, old.status) = 'completed')
  WHERE organization_id = old.organization_id AND id = old.parent_id;
  UPDATE triune_tasks SET progress = 100.0 * children_completed / children
  WHERE organization_id = old.organization_id AND id = old.parent_id AND children > 0;
END;

-- Tasks of each day by their status.
CREATE TRIGGER triune_tasks_day_insert AFTER INSERT ON triune_tasks BEGIN
  UPDATE triune_task_days SET tasks = tasks + 1
  WHERE organization_id = new.organization_id AND day = new.created_at_ms / 86400000 AND status = new.status;
  INSERT INTO triune_task_days (organization_id, day, status, tasks)
  SELECT new.organization_id, new.created_at_ms / 86400000, new.status, 1 WHERE NOT EXISTS (
    SELECT 1 FROM triune_task_days
    WHERE organization_id = new.organization_id AND day = new.created_at_ms / 86400000 AND status = new.status);
END;

CREATE TRIGGER triune_tasks_day_update AFTER UPDATE OF status, created_at_ms ON triune_tasks
WHEN old.status <> new.status OR old.created_at_ms / 86400000 <> new.created_at_ms / 86400000 BEGIN
  UPDATE triune_task_days SET tasks = tasks - 1
  WHERE organization_id = old.organization_id AND day = old.created_at_ms / 86400000 AND status = old.status;
  UPDATE triune_task_days SET tasks = tasks + 1
  WHERE organization_id = new.organization_id AND day = new.created_at_ms / 86400000 AND status = new.status;
  INSERT INTO triune_task_days (organization_id, day, status, tasks)
  SELECT new.organization_id, new.created_at_ms / 86400000, new.status, 1 WHERE NOT EXISTS (
    SELECT 1 FROM triune_task_days
    WHERE organization_id = new.organization_id AND day = new.created_at_ms / 86400000 AND status = new.status);
END;

CREATE TRIGGER triune_tasks_day_delete AFTER DELETE ON triune_tasks BEGIN
  UPDATE triune_task_days SET tasks = tasks - 1
  WHERE organization_id = old.organization_id AND day = old.created_at_ms / 86400000 AND status = old.status;
END;

-- Dependencies: no cycle, however long. A dependency that goes along the order of tasks closes none; one against it is
-- looked for only between the two in that order, and then the order is mended (Pearce and Kelly, "A Dynamic Topological
-- Sort Algorithm for Directed Acyclic Graphs", 2007). CROSS JOIN: without statistics the planner would begin with a range
-- of the order.
CREATE TRIGGER triune_task_dependencies_acyclic_insert BEFORE INSERT ON triune_task_dependencies
WHEN new.dependency_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers')
 AND (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.source_id)
  <= (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.target_id) BEGIN
  SELECT RAISE(ABORT, 'the dependency would close a cycle: the task it depends on depends on it already')
  WHERE EXISTS (
    WITH RECURSIVE needed (id) AS (
      SELECT new.target_id
      UNION
      SELECT d.target_id FROM needed n
      CROSS JOIN triune_task_dependencies d ON d.organization_id = new.organization_id AND d.source_id = n.id
       AND d.dependency_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers')
      CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = d.target_id
       AND t.ordinal >= (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.source_id))
    SELECT 1 FROM needed WHERE id = new.source_id);
END;

CREATE TRIGGER triune_task_dependencies_acyclic_update
BEFORE UPDATE OF source_id, target_id, dependency_type ON triune_task_dependencies
WHEN new.dependency_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers')
 AND (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.source_id)
  <= (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.target_id) BEGIN
  SELECT RAISE(ABORT, 'the dependency would close a cycle: the task it depends on depends on it already')
  WHERE EXISTS (
    WITH RECURSIVE needed (id) AS (
      SELECT new.target_id
      UNION
      SELECT d.target_id FROM needed n
      CROSS JOIN triune_task_dependencies d ON d.organization_id = new.organization_id AND d.source_id = n.id
       AND d.dependency_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers')
       AND NOT (d.source_id = old.source_id AND d.target_id = old.target_id AND d.dependency_type = old.dependency_type)
      CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = d.target_id
       AND t.ordinal >= (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.source_id))
    SELECT 1 FROM needed WHERE id = new.source_id);
END;

CREATE TRIGGER triune_task_dependencies_order_insert AFTER INSERT ON triune_task_dependencies
WHEN new.dependency_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers')
 AND (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.source_id)
  <= (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.target_id) BEGIN
  UPDATE triune_tasks SET ordinal = moved.place FROM (
    WITH RECURSIVE
    bound (low, high) AS (
      SELECT (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.source_id),
             (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.target_id)),
    needed (id) AS (
      SELECT new.target_id
      UNION
      SELECT d.target_id FROM needed n
      CROSS JOIN triune_task_dependencies d ON d.organization_id = new.organization_id AND d.source_id = n.id
       AND d.dependency_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers')
      CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = d.target_id
       AND t.ordinal > (SELECT low FROM bound)),
    waiting (id) AS (
      SELECT new.source_id
      UNION
      SELECT d.source_id FROM waiting w
      CROSS JOIN triune_task_dependencies d ON d.organization_id = new.organization_id AND d.target_id = w.id
       AND d.dependency_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers')
      CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = d.source_id
       AND t.ordinal < (SELECT high FROM bound)),
    affected (id, ordinal, side) AS (
      SELECT t.id, t.ordinal, 0 FROM needed n CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = n.id
      UNION ALL
      SELECT t.id, t.ordinal, 1 FROM waiting w CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = w.id),
    ranked (id, number) AS (SELECT id, row_number() OVER (ORDER BY side, ordinal) FROM affected),
    places (place, number) AS (SELECT ordinal, row_number() OVER (ORDER BY ordinal) FROM affected)
    SELECT r.id, p.place FROM ranked r JOIN places p ON p.number = r.number) AS moved
  WHERE triune_tasks.organization_id = new.organization_id AND triune_tasks.id = moved.id;
END;

CREATE TRIGGER triune_task_dependencies_order_update AFTER UPDATE OF source_id, target_id, dependency_type ON triune_task_dependencies
WHEN new.dependency_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers')
 AND (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.source_id)
  <= (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.target_id) BEGIN
  UPDATE triune_tasks SET ordinal = moved.place FROM (
    WITH RECURSIVE
    bound (low, high) AS (
      SELECT (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.source_id),
             (SELECT ordinal FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.target_id)),
    needed (id) AS (
      SELECT new.target_id
      UNION
      SELECT d.target_id FROM needed n
      CROSS JOIN triune_task_dependencies d ON d.organization_id = new.organization_id AND d.source_id = n.id
       AND d.dependency_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers')
      CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = d.target_id
       AND t.ordinal > (SELECT low FROM bound)),
    waiting (id) AS (
      SELECT new.source_id
      UNION
      SELECT d.source_id FROM waiting w
      CROSS JOIN triune_task_dependencies d ON d.organization_id = new.organization_id AND d.target_id = w.id
       AND d.dependency_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers')
      CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = d.source_id
       AND t.ordinal < (SELECT high FROM bound)),
    affected (id, ordinal, side) AS (
      SELECT t.id, t.ordinal, 0 FROM needed n CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = n.id
      UNION ALL
      SELECT t.id, t.ordinal, 1 FROM waiting w CROSS JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = w.id),
    ranked (id, number) AS (SELECT id, row_number() OVER (ORDER BY side, ordinal) FROM affected),
    places (place, number) AS (SELECT ordinal, row_number() OVER (ORDER BY ordinal) FROM affected)
    SELECT r.id, p.place FROM ranked r JOIN places p ON p.number = r.number) AS moved
  WHERE triune_tasks.organization_id = new.organization_id AND triune_tasks.id = moved.id;
END;

-- Dependencies: which are satisfied, and how many are not.
CREATE TRIGGER triune_task_dependencies_insert AFTER INSERT ON triune_task_dependencies
WHEN new.dependency_type IN ('depends_on', 'blocks') BEGIN
  UPDATE triune_tasks SET unmet_dependencies = unmet_dependencies + 1
  WHERE organization_id = new.organization_id AND id = new.source_id AND new.hard = 1 AND new.satisfied = 0;
  UPDATE triune_task_dependencies
  SET satisfied = 1, satisfied_at_ms = new.created_at_ms
  WHERE organization_id = new.organization_id AND source_id = new.source_id AND target_id = new.target_id
    AND dependency_type = new.dependency_type AND satisfied = 0 AND EXISTS (
    SELECT 1 FROM triune_tasks t WHERE t.organization_id = new.organization_id AND t.id = new.target_id
    AND ((new.condition <> 'failure' AND coalesce(t.archived_from, t.status) = 'completed')
      OR (new.condition <> 'success' AND coalesce(t.archived_from, t.status) = 'failed')
      OR (new.condition = 'completion' AND coalesce(t.archived_from, t.status) = 'cancelled')));
END;

CREATE TRIGGER triune_task_dependencies_counted
AFTER UPDATE OF source_id, target_id, dependency_type, hard, satisfied ON triune_task_dependencies
WHEN old.target_id = new.target_id AND old.condition = new.condition BEGIN
  UPDATE triune_tasks SET unmet_dependencies = unmet_dependencies - 1
  WHERE organization_id = old.organization_id AND id = old.source_id AND old.hard = 1 AND old.satisfied = 0
    AND old.dependency_type IN ('depends_on', 'blocks');
  UPDATE triune_tasks SET unmet_dependencies = unmet_dependencies + 1
  WHERE organization_id = new.organization_id AND id = new.source_id AND new.hard = 1 AND new.satisfied = 0
    AND new.dependency_type IN ('depends_on', 'blocks');
  UPDATE triune_tasks SET scheduled_at_ms = max(scheduled_at_ms, new.satisfied_at_ms + new.delay_ms)
  WHERE organization_id = new.organization_id AND id = new.source_id AND new.delay_ms > 0 AND new.satisfied = 1
    AND old.satisfied = 0 AND new.satisfied_at_ms IS NOT NULL;
END;

-- Aimed at something else: what was written counts first, and then what is satisfied changes, which counts by itself.
CREATE TRIGGER triune_task_dependencies_aimed AFTER UPDATE OF target_id, condition ON triune_task_dependencies
WHEN old.target_id <> new.target_id OR old.condition <> new.condition BEGIN
  UPDATE triune_tasks SET unmet_dependencies = unmet_dependencies - 1
  WHERE organization_id = old.organization_id AND id = old.source_id AND old.hard = 1 AND old.satisfied = 0
    AND old.dependency_type IN ('depends_on', 'blocks');
  UPDATE triune_tasks SET unmet_dependencies = unmet_dependencies + 1
  WHERE organization_id = new.organization_id AND id = new.source_id AND new.hard = 1 AND new.satisfied = 0
    AND new.dependency_type IN ('depends_on', 'blocks');
  UPDATE triune_tasks SET scheduled_at_ms = max(scheduled_at_ms, new.satisfied_at_ms + new.delay_ms)
  WHERE organization_id = new.organization_id AND id = new.source_id AND new.delay_ms > 0 AND new.satisfied = 1
    AND old.satisfied = 0 AND new.satisfied_at_ms IS NOT NULL;
  UPDATE triune_task_dependencies
  SET satisfied = EXISTS (
    SELECT 1 FROM triune_tasks t WHERE t.organization_id = new.organization_id AND t.id = new.target_id
    AND ((new.condition <> 'failure' AND coalesce(t.archived_from, t.status) = 'completed')
      OR (new.condition <> 'success' AND coalesce(t.archived_from, t.status) = 'failed')
      OR (new.condition = 'completion' AND coalesce(t.archived_from, t.status) = 'cancelled')))
  WHERE organization_id = new.organization_id AND source_id = new.source_id AND target_id = new.target_id
    AND dependency_type = new.dependency_type AND dependency_type IN ('depends_on', 'blocks');
END;

CREATE TRIGGER triune_task_dependencies_delete AFTER DELETE ON triune_task_dependencies
WHEN old.hard = 1 AND old.satisfied = 0 AND old.dependency_type IN ('depends_on', 'blocks') BEGIN
  UPDATE triune_tasks SET unmet_dependencies = unmet_dependencies - 1
  WHERE organization_id = old.organization_id AND id = old.source_id;
END;

-- What an archived task satisfied stays satisfied.
CREATE TRIGGER triune_tasks_satisfies AFTER UPDATE OF status ON triune_tasks
WHEN old.status <> new.status AND new.status <> 'archived' BEGIN
  UPDATE triune_task_dependencies
  SET satisfied = CASE WHEN (condition <> 'failure' AND new.status = 'completed')
      OR (condition <> 'success' AND new.status = 'failed')
      OR (condition = 'completion' AND new.status = 'cancelled') THEN 1 ELSE 0 END,
      satisfied_at_ms = new.updated_at_ms
  WHERE organization_id = new.organization_id AND target_id = new.id AND dependency_type IN ('depends_on', 'blocks')
    AND satisfied <> CASE WHEN (condition <> 'failure' AND new.status = 'completed')
      OR (condition <> 'success' AND new.status = 'failed')
      OR (condition = 'completion' AND new.status = 'cancelled') THEN 1 ELSE 0 END;
END;

-- Items of queues that stand for a task: the task follows the item, and the item waits until the task is ready.
CREATE TRIGGER triune_queue_items_task AFTER UPDATE OF state ON triune_queue_items
WHEN new.task_id IS NOT NULL AND old.state <> new.state AND new.state <> 'ready'
 AND NOT (old.state = 'blocked' OR (new.state = 'blocked') OR (old.state = 'ready' AND new.state = 'waiting')) BEGIN
  UPDATE triune_tasks
  SET status = CASE new.state WHEN 'claimed' THEN 'in_progress' WHEN 'completed' THEN 'completed' WHEN 'dead' THEN 'failed'
      WHEN 'cancelled' THEN 'cancelled' ELSE 'pending' END,
    assigned_to = CASE WHEN new.state = 'claimed' THEN nullif(new.worker, '') WHEN new.state = 'waiting' THEN NULL
      ELSE assigned_to END,
    progress = CASE WHEN new.state = 'completed' THEN 100 ELSE progress END,
    retries = retries + (new.state = 'waiting'),
    output = CASE WHEN new.state = 'completed' THEN coalesce(new.result, output) ELSE output END,
    error = CASE WHEN new.state IN ('dead', 'waiting') THEN new.last_error ELSE error END,
    assigned_at_ms = CASE WHEN new.state = 'claimed' THEN new.claimed_at_ms ELSE assigned_at_ms END,
    started_at_ms = CASE WHEN new.state = 'claimed' THEN coalesce(started_at_ms, new.claimed_at_ms) ELSE started_at_ms END,
    ended_at_ms = CASE WHEN new.state IN ('completed', 'dead', 'cancelled') THEN new.ended_at_ms ELSE NULL END,
    updated_at_ms = max(updated_at_ms, coalesce(new.ended_at_ms, new.claimed_at_ms, new.due_at_ms))
  WHERE organization_id = new.organization_id AND id = new.task_id AND status <> 'archived';
END;

CREATE TRIGGER triune_tasks_unblock_items AFTER UPDATE OF unmet_dependencies, status, scheduled_at_ms ON triune_tasks
WHEN new.unmet_dependencies = 0 AND new.status = 'pending'
 AND (old.unmet_dependencies > 0 OR old.status <> 'pending' OR old.scheduled_at_ms <> new.scheduled_at_ms) BEGIN
  UPDATE triune_queue_items SET state = 'waiting', due_at_ms = max(due_at_ms, new.scheduled_at_ms)
  WHERE organization_id = new.organization_id AND task_id = new.id AND state = 'blocked';
END;

CREATE TRIGGER triune_tasks_block_items AFTER UPDATE OF unmet_dependencies, status ON triune_tasks
WHEN (new.unmet_dependencies > 0 AND old.unmet_dependencies = 0)
  OR (new.status <> old.status AND new.status NOT IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled')) BEGIN
  UPDATE triune_queue_items SET state = 'blocked'
  WHERE organization_id = new.organization_id AND task_id = new.id AND state IN ('waiting', 'ready');
END;

-- What people read.
CREATE VIEW triune_ready_tasks AS
SELECT t.* FROM triune_tasks t
WHERE t.status = 'pending' AND t.unmet_dependencies = 0
  AND t.scheduled_at_ms <= CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER);

CREATE VIEW triune_task_dependency_graph AS
SELECT d.organization_id, d.source_id, s.name AS source, s.status AS source_status, d.dependency_type, d.target_id,
       t.name AS target, t.status AS target_status, d.hard, d.condition, d.satisfied
FROM triune_task_dependencies d
JOIN triune_tasks s ON s.organization_id = d.organization_id AND s.id = d.source_id
JOIN triune_tasks t ON t.organization_id = d.organization_id AND t.id = d.target_id;

CREATE VIEW triune_task_hierarchy AS
WITH RECURSIVE below (organization_id, root_id, id, depth, path) AS (
  SELECT organization_id, id, id, 0, id FROM triune_tasks WHERE parent_id IS NULL
  UNION ALL
  SELECT t.organization_id, b.root_id, t.id, b.depth + 1, b.path || '/' || t.id
  FROM below b JOIN triune_tasks t ON t.organization_id = b.organization_id AND t.parent_id = b.id)
SELECT b.organization_id, b.root_id, b.id, b.depth, b.path, t.name, t.status, t.progress
FROM below b JOIN triune_tasks t ON t.organization_id = b.organization_id AND t.id = b.id;

CREATE VIEW triune_task_summary AS
SELECT d.organization_id, date(d.day * 86400, 'unixepoch') AS day, d.status, d.tasks
FROM (SELECT organization_id, day, status, sum(tasks) AS tasks FROM triune_task_days
      GROUP BY organization_id, day, status) d
WHERE d.tasks > 0;

CREATE VIEW triune_agent_load AS
SELECT organization_id, assigned_to AS agent, sum(status = 'in_progress') AS in_progress, sum(status = 'assigned') AS assigned,
       sum(status = 'blocked') AS blocked, sum(status = 'review') AS review
FROM triune_tasks
WHERE assigned_to IS NOT NULL AND status IN ('in_progress', 'assigned', 'blocked', 'review')
GROUP BY organization_id, assigned_to;
