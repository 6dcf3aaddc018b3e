-- Tasks: what is to be done, what it depends on, and what came of it. Times are milliseconds since 1970; documents are JSON.

CREATE TABLE triune_task_definitions (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 400),
  task_type text NOT NULL DEFAULT 'custom' CHECK (length(task_type) BETWEEN 1 AND 100),
  category text NOT NULL DEFAULT '',
  description text NOT NULL DEFAULT '',
  default_configuration text NOT NULL DEFAULT '{}' CHECK (CAST(default_configuration AS json) IS NOT NULL),
  required_inputs text NOT NULL DEFAULT '[]' CHECK (CAST(required_inputs AS json) IS NOT NULL),
  expected_outputs text NOT NULL DEFAULT '[]' CHECK (CAST(expected_outputs AS json) IS NOT NULL),
  execution_mode text NOT NULL DEFAULT 'automatic'
    CHECK (execution_mode IN ('manual', 'automatic', 'scheduled', 'triggered', 'continuous')),
  timeout_ms bigint NOT NULL DEFAULT 3600000 CHECK (timeout_ms > 0),
  max_retries bigint NOT NULL DEFAULT 3 CHECK (max_retries >= 0),
  version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
  active bigint NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  tags text NOT NULL DEFAULT '[]' CHECK (CAST(tags AS json) IS NOT NULL),
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, name)
);

-- The canonical statuses, and which may follow which (the lists of other systems are mapped to these on the way in).
CREATE TABLE triune_task_transitions (
  from_status text NOT NULL,
  to_status text NOT NULL,
  PRIMARY KEY (from_status, to_status)
);

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
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  definition_id text,
  parent_id text CHECK (parent_id <> id),
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 400),
  description text NOT NULL DEFAULT '',
  task_type text NOT NULL DEFAULT 'custom' CHECK (length(task_type) BETWEEN 1 AND 100),
  status text NOT NULL DEFAULT 'draft' CHECK (status IN ('draft', 'pending', 'assigned', 'in_progress', 'blocked', 'review',
    'completed', 'failed', 'cancelled', 'archived')),
  archived_from text CHECK (archived_from IN ('draft', 'completed', 'failed', 'cancelled')),
  priority bigint NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 4),
  progress double precision NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 100),
  assigned_to text CHECK (length(assigned_to) BETWEEN 1 AND 200),
  created_by text NOT NULL DEFAULT '',
  configuration text NOT NULL DEFAULT '{}' CHECK (CAST(configuration AS json) IS NOT NULL),
  input text NOT NULL DEFAULT '{}' CHECK (CAST(input AS json) IS NOT NULL),
  output text NOT NULL DEFAULT '{}' CHECK (CAST(output AS json) IS NOT NULL),
  error text NOT NULL DEFAULT '',
  due_at_ms bigint,
  scheduled_at_ms bigint NOT NULL DEFAULT 0,
  assigned_at_ms bigint,
  started_at_ms bigint,
  ended_at_ms bigint,
  estimated_minutes double precision CHECK (estimated_minutes >= 0),
  quality double precision CHECK (quality BETWEEN 0 AND 1),
  retries bigint NOT NULL DEFAULT 0 CHECK (retries >= 0),
  max_retries bigint NOT NULL DEFAULT 3 CHECK (max_retries >= 0),
  external_id text,
  external_url text,
  tags text NOT NULL DEFAULT '[]' CHECK (CAST(tags AS json) IS NOT NULL),
  unmet_dependencies bigint NOT NULL DEFAULT 0 CHECK (unmet_dependencies >= 0),
  children bigint NOT NULL DEFAULT 0 CHECK (children >= 0),
  children_completed bigint NOT NULL DEFAULT 0 CHECK (children_completed >= 0),
  ordinal bigint NOT NULL DEFAULT 0,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, definition_id) REFERENCES triune_task_definitions (organization_id, id),
  FOREIGN KEY (organization_id, parent_id) REFERENCES triune_tasks (organization_id, id)
);

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
  organization_id bigint NOT NULL,
  source_id text NOT NULL,
  target_id text NOT NULL,
  dependency_type text NOT NULL CHECK (dependency_type IN ('blocks', 'depends_on', 'related_to', 'subtask_of', 'triggers',
    'conflicts_with')),
  hard bigint NOT NULL DEFAULT 1 CHECK (hard IN (0, 1)),
  condition text NOT NULL DEFAULT 'success' CHECK (condition IN ('success', 'completion', 'failure')),
  delay_ms bigint NOT NULL DEFAULT 0 CHECK (delay_ms >= 0),
  satisfied bigint NOT NULL DEFAULT 0 CHECK (satisfied IN (0, 1)),
  satisfied_at_ms bigint,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, source_id, target_id, dependency_type),
  CHECK (source_id <> target_id),
  FOREIGN KEY (organization_id, source_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, target_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_task_dependencies_by_target ON triune_task_dependencies (organization_id, target_id, dependency_type);

CREATE TABLE triune_task_executions (
  organization_id bigint NOT NULL,
  task_id text NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  worker text NOT NULL DEFAULT '',
  outcome text NOT NULL CHECK (outcome IN ('completed', 'failed', 'cancelled', 'expired', 'released')),
  started_at_ms bigint NOT NULL,
  ended_at_ms bigint NOT NULL,
  message text NOT NULL DEFAULT '',
  data text NOT NULL DEFAULT '{}' CHECK (CAST(data AS json) IS NOT NULL),
  PRIMARY KEY (organization_id, task_id, number),
  CHECK (ended_at_ms >= started_at_ms),
  FOREIGN KEY (organization_id, task_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE triune_task_comments (
  organization_id bigint NOT NULL,
  task_id text NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  author text NOT NULL,
  comment_type text NOT NULL DEFAULT 'comment'
    CHECK (comment_type IN ('comment', 'status_change', 'assignment', 'system')),
  content text NOT NULL CHECK (length(content) > 0),
  created_at_ms bigint NOT NULL,
  edited_at_ms bigint,
  PRIMARY KEY (organization_id, task_id, id),
  FOREIGN KEY (organization_id, task_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE triune_task_times (
  organization_id bigint NOT NULL,
  task_id text NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  who text NOT NULL,
  started_at_ms bigint NOT NULL,
  ended_at_ms bigint NOT NULL,
  note text NOT NULL DEFAULT '',
  PRIMARY KEY (organization_id, task_id, id),
  CHECK (ended_at_ms > started_at_ms),
  FOREIGN KEY (organization_id, task_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
);

CREATE TABLE triune_task_resources (
  organization_id bigint NOT NULL,
  task_id text NOT NULL,
  measured_at_ms bigint NOT NULL,
  source text NOT NULL DEFAULT '',
  cpu_percent double precision CHECK (cpu_percent >= 0),
  memory_mb double precision CHECK (memory_mb >= 0),
  storage_mb double precision CHECK (storage_mb >= 0),
  network_mb double precision CHECK (network_mb >= 0),
  tokens bigint CHECK (tokens >= 0),
  cost_cents double precision CHECK (cost_cents >= 0),
  PRIMARY KEY (organization_id, task_id, measured_at_ms, source),
  FOREIGN KEY (organization_id, task_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
);

-- Work in queues. A lane is whose work it is: lanes of a queue take turns within a priority.
CREATE TABLE triune_queues (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  paused bigint NOT NULL DEFAULT 0 CHECK (paused IN (0, 1)),
  lease_ms bigint NOT NULL DEFAULT 60000 CHECK (lease_ms > 0),
  max_attempts bigint NOT NULL DEFAULT 5 CHECK (max_attempts > 0),
  backoff_ms bigint NOT NULL DEFAULT 1000 CHECK (backoff_ms >= 0),
  longest_backoff_ms bigint NOT NULL DEFAULT 600000 CHECK (longest_backoff_ms >= 0),
  PRIMARY KEY (organization_id, name)
);

CREATE TABLE triune_queue_lanes (
  organization_id bigint NOT NULL,
  queue text NOT NULL,
  lane text NOT NULL CHECK (length(lane) <= 200),
  last_turn bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (organization_id, queue, lane),
  FOREIGN KEY (organization_id, queue) REFERENCES triune_queues (organization_id, name) ON DELETE CASCADE
);

-- `claim` grows with each claim: whoever holds an older one has lost the item.
-- triune: allow unindexed-foreign-key queues and tasks with items are rarely deleted, and each index costs every claim
CREATE TABLE triune_queue_items (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  queue text NOT NULL,
  lane text NOT NULL DEFAULT '' CHECK (length(lane) <= 200),
  state text NOT NULL CHECK (state IN ('blocked', 'waiting', 'ready', 'claimed', 'completed', 'dead', 'cancelled')),
  priority bigint NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 4),
  turn bigint NOT NULL DEFAULT 0,
  due_at_ms bigint NOT NULL,
  attempts bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  claim bigint NOT NULL DEFAULT 0 CHECK (claim >= 0),
  worker text NOT NULL DEFAULT '' CHECK (length(worker) <= 200),
  claimed_at_ms bigint,
  lease_until_ms bigint,
  payload text NOT NULL DEFAULT '{}' CHECK (CAST(payload AS json) IS NOT NULL),
  result text CHECK (CAST(result AS json) IS NOT NULL OR result IS NULL),
  last_error text NOT NULL DEFAULT '',
  task_id text,
  created_at_ms bigint NOT NULL,
  ended_at_ms bigint,
  PRIMARY KEY (organization_id, id),
  CHECK ((state = 'claimed') = (lease_until_ms IS NOT NULL)),
  FOREIGN KEY (organization_id, queue) REFERENCES triune_queues (organization_id, name) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, task_id) REFERENCES triune_tasks (organization_id, id) ON DELETE CASCADE
);

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
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  day bigint NOT NULL,
  status text NOT NULL,
  shard bigint NOT NULL DEFAULT 0,
  tasks bigint NOT NULL,
  PRIMARY KEY (organization_id, day, status, shard)
);

-- Numbers for `ordinal`: unique, and growing as far as transactions do.
CREATE SEQUENCE triune_task_ordinals;
ALTER TABLE triune_tasks ALTER COLUMN ordinal SET DEFAULT 0;

-- Whoever adds an ordering dependency shares this row; whoever mends the order has it alone. So no two transactions close
-- a cycle together.
CREATE TABLE triune_task_order (
  organization_id bigint PRIMARY KEY REFERENCES triune_organizations (organization_id)
);

CREATE FUNCTION triune_task_day_add(organization bigint, made_at_ms bigint, its_status text, more bigint) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT
AS $$
  INSERT INTO triune_task_days (organization_id, day, status, shard, tasks)
  VALUES (organization, made_at_ms / 86400000, its_status, pg_backend_pid() % 16, more)
  ON CONFLICT (organization_id, day, status, shard) DO UPDATE SET tasks = triune_task_days.tasks + more
$$;

CREATE FUNCTION triune_task_is_met(its_condition text, its_status text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN (its_condition <> 'failure' AND its_status = 'completed')
    OR (its_condition <> 'success' AND its_status = 'failed')
    OR (its_condition = 'completion' AND its_status = 'cancelled') THEN 1 ELSE 0 END
$$;

CREATE FUNCTION triune_task_is_ordering(its_type text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT its_type IN ('depends_on', 'blocks', 'subtask_of', 'triggers') $$;

CREATE FUNCTION triune_tasks_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'INSERT' THEN
    IF new.ordinal = 0 THEN new.ordinal := nextval('triune_task_ordinals'); END IF;
    RETURN new;
  END IF;
  IF old.organization_id <> new.organization_id OR old.id <> new.id THEN
    RAISE EXCEPTION 'the id of a task never changes' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF old.status <> new.status AND NOT EXISTS (
    SELECT 1 FROM triune_task_transitions WHERE from_status = old.status AND to_status = new.status) THEN
    RAISE EXCEPTION 'a task cannot go from its status to this one; triune_task_transitions lists what may follow'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  IF old.status <> new.status AND new.status = 'archived' THEN new.archived_from := old.status; END IF;
  IF new.parent_id IS NOT NULL AND new.parent_id IS DISTINCT FROM old.parent_id THEN
    INSERT INTO triune_task_order (organization_id) VALUES (new.organization_id) ON CONFLICT DO NOTHING;
    PERFORM 1 FROM triune_task_order WHERE organization_id = new.organization_id FOR UPDATE;
    IF EXISTS (
      WITH RECURSIVE above (id) AS (
        SELECT new.parent_id
        UNION
        SELECT t.parent_id FROM above a JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = a.id
        WHERE t.parent_id IS NOT NULL)
      SELECT 1 FROM above WHERE id = new.id) THEN
      RAISE EXCEPTION 'a task cannot be a part of itself: its new parent is one of its own parts'
        USING ERRCODE = 'integrity_constraint_violation';
    END IF;
  END IF;
  RETURN new;
END $$;

CREATE TRIGGER triune_tasks_before BEFORE INSERT OR UPDATE ON triune_tasks FOR EACH ROW EXECUTE FUNCTION triune_tasks_before();

-- Parts of a parent, tasks of a day, what depends on a task, and the items of queues that stand for it.
CREATE FUNCTION triune_tasks_count_parts(organization bigint, parent text) RETURNS void
LANGUAGE sql SET search_path FROM CURRENT
AS $$
  UPDATE triune_tasks p
  SET children = c.parts, children_completed = c.completed,
      progress = CASE WHEN c.parts = 0 THEN p.progress ELSE 100.0 * c.completed / c.parts END
  FROM (SELECT count(*) AS parts,
               count(*) FILTER (WHERE coalesce(archived_from, status) = 'completed') AS completed
        FROM triune_tasks WHERE organization_id = organization AND parent_id = parent) c
  WHERE p.organization_id = organization AND p.id = parent
$$;

CREATE FUNCTION triune_tasks_after() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'INSERT' THEN
    PERFORM triune_task_day_add(new.organization_id, new.created_at_ms, new.status, 1);
    IF new.parent_id IS NOT NULL THEN
      UPDATE triune_tasks
      SET children = children + 1,
          children_completed = children_completed + CASE WHEN new.status = 'completed' THEN 1 ELSE 0 END,
          progress = 100.0 * (children_completed + CASE WHEN new.status = 'completed' THEN 1 ELSE 0 END) / (children + 1)
      WHERE organization_id = new.organization_id AND id = new.parent_id;
    END IF;
    RETURN NULL;
  END IF;
  IF TG_OP = 'DELETE' THEN
    PERFORM triune_task_day_add(old.organization_id, old.created_at_ms, old.status, -1);
    IF old.parent_id IS NOT NULL THEN PERFORM triune_tasks_count_parts(old.organization_id, old.parent_id); END IF;
    RETURN NULL;
  END IF;
  IF old.status <> new.status OR old.created_at_ms / 86400000 <> new.created_at_ms / 86400000 THEN
    PERFORM triune_task_day_add(old.organization_id, old.created_at_ms, old.status, -1);
    PERFORM triune_task_day_add(new.organization_id, new.created_at_ms, new.status, 1);
  END IF;
  IF old.parent_id IS DISTINCT FROM new.parent_id THEN
    IF old.parent_id IS NOT NULL THEN PERFORM triune_tasks_count_parts(new.organization_id, old.parent_id); END IF;
    IF new.parent_id IS NOT NULL THEN PERFORM triune_tasks_count_parts(new.organization_id, new.parent_id); END IF;
  ELSIF new.parent_id IS NOT NULL AND old.status <> new.status AND new.status = 'completed' THEN
    UPDATE triune_tasks
    SET children_completed = children_completed + 1, progress = 100.0 * (children_completed + 1) / children
    WHERE organization_id = new.organization_id AND id = new.parent_id;
  END IF;
  -- What an archived task satisfied stays satisfied.
  IF old.status <> new.status AND new.status <> 'archived' THEN
    UPDATE triune_task_dependencies
    SET satisfied = triune_task_is_met(condition, new.status), satisfied_at_ms = new.updated_at_ms
    WHERE organization_id = new.organization_id AND target_id = new.id AND dependency_type IN ('depends_on', 'blocks')
      AND satisfied <> triune_task_is_met(condition, new.status);
  END IF;
  IF new.unmet_dependencies = 0 AND new.status = 'pending'
    AND (old.unmet_dependencies > 0 OR old.status <> 'pending' OR old.scheduled_at_ms <> new.scheduled_at_ms) THEN
    UPDATE triune_queue_items SET state = 'waiting', due_at_ms = greatest(due_at_ms, new.scheduled_at_ms)
    WHERE organization_id = new.organization_id AND task_id = new.id AND state = 'blocked';
  END IF;
  IF (new.unmet_dependencies > 0 AND old.unmet_dependencies = 0) OR (new.status <> old.status
    AND new.status NOT IN ('pending', 'in_progress', 'completed', 'failed', 'cancelled')) THEN
    UPDATE triune_queue_items SET state = 'blocked'
    WHERE organization_id = new.organization_id AND task_id = new.id AND state IN ('waiting', 'ready');
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_tasks_after AFTER INSERT OR UPDATE OR DELETE ON triune_tasks
FOR EACH ROW EXECUTE FUNCTION triune_tasks_after();

-- Dependencies: no cycle, however long. A dependency that goes along the order of tasks closes none; one against it is
-- looked for only between the two in that order, and then the order is mended (Pearce and Kelly, "A Dynamic Topological
-- Sort Algorithm for Directed Acyclic Graphs", 2007).
CREATE FUNCTION triune_task_dependencies_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ DECLARE low bigint; high bigint; BEGIN
  IF NOT triune_task_is_ordering(new.dependency_type) THEN RETURN new; END IF;
  IF TG_OP = 'UPDATE' AND old.source_id = new.source_id AND old.target_id = new.target_id
    AND old.dependency_type = new.dependency_type THEN
    RETURN new;
  END IF;
  INSERT INTO triune_task_order (organization_id) VALUES (new.organization_id) ON CONFLICT DO NOTHING;
  PERFORM 1 FROM triune_task_order WHERE organization_id = new.organization_id FOR SHARE;
  SELECT ordinal INTO low FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.source_id;
  SELECT ordinal INTO high FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.target_id;
  IF low > high OR low IS NULL OR high IS NULL THEN RETURN new; END IF;
  PERFORM 1 FROM triune_task_order WHERE organization_id = new.organization_id FOR UPDATE;
  SELECT ordinal INTO low FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.source_id;
  SELECT ordinal INTO high FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.target_id;
  IF low > high THEN RETURN new; END IF;
  IF EXISTS (
    WITH RECURSIVE needed (id) AS (
      SELECT new.target_id
      UNION
      SELECT d.target_id FROM needed n
      JOIN triune_task_dependencies d ON d.organization_id = new.organization_id AND d.source_id = n.id
       AND triune_task_is_ordering(d.dependency_type)
       AND (TG_OP = 'INSERT' OR NOT (d.source_id = old.source_id AND d.target_id = old.target_id
         AND d.dependency_type = old.dependency_type))
      JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = d.target_id AND t.ordinal >= low)
    SELECT 1 FROM needed WHERE id = new.source_id) THEN
    RAISE EXCEPTION 'the dependency would close a cycle: the task it depends on depends on it already'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  UPDATE triune_tasks SET ordinal = moved.place FROM (
    WITH RECURSIVE
    needed (id) AS (
      SELECT new.target_id
      UNION
      SELECT d.target_id FROM needed n
      JOIN triune_task_dependencies d ON d.organization_id = new.organization_id AND d.source_id = n.id
       AND triune_task_is_ordering(d.dependency_type)
      JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = d.target_id AND t.ordinal > low),
    waiting (id) AS (
      SELECT new.source_id
      UNION
      SELECT d.source_id FROM waiting w
      JOIN triune_task_dependencies d ON d.organization_id = new.organization_id AND d.target_id = w.id
       AND triune_task_is_ordering(d.dependency_type)
      JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = d.source_id AND t.ordinal < high),
    affected (id, ordinal, side) AS (
      SELECT t.id, t.ordinal, 0 FROM needed n JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = n.id
      UNION ALL
      SELECT t.id, t.ordinal, 1 FROM waiting w JOIN triune_tasks t ON t.organization_id = new.organization_id AND t.id = w.id
      WHERE w.id NOT IN (SELECT id FROM needed)),
    ranked (id, number) AS (SELECT id, row_number() OVER (ORDER BY side, ordinal) FROM affected),
    places (place, number) AS (SELECT ordinal, row_number() OVER (ORDER BY ordinal) FROM affected)
    SELECT r.id, p.place FROM ranked r JOIN places p ON p.number = r.number) AS moved
  WHERE triune_tasks.organization_id = new.organization_id AND triune_tasks.id = moved.id;
  RETURN new;
END $$;

CREATE TRIGGER triune_task_dependencies_acyclic BEFORE INSERT OR UPDATE ON triune_task_dependencies
FOR EACH ROW EXECUTE FUNCTION triune_task_dependencies_before();

-- Dependencies: which are satisfied, and how many are not.
CREATE FUNCTION triune_task_dependencies_satisfied() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  IF new.dependency_type NOT IN ('depends_on', 'blocks') THEN RETURN new; END IF;
  IF TG_OP = 'UPDATE' AND old.target_id = new.target_id AND old.condition = new.condition THEN RETURN new; END IF;
  SELECT triune_task_is_met(new.condition, coalesce(t.archived_from, t.status)) INTO new.satisfied
  FROM triune_tasks t WHERE t.organization_id = new.organization_id AND t.id = new.target_id;
  new.satisfied := coalesce(new.satisfied, 0);
  IF new.satisfied = 1 THEN new.satisfied_at_ms := coalesce(new.satisfied_at_ms, new.created_at_ms); END IF;
  RETURN new;
END $$;

CREATE TRIGGER triune_task_dependencies_satisfied BEFORE INSERT OR UPDATE ON triune_task_dependencies
FOR EACH ROW EXECUTE FUNCTION triune_task_dependencies_satisfied();

CREATE FUNCTION triune_task_dependencies_counted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP <> 'INSERT' AND old.hard = 1 AND old.satisfied = 0 AND old.dependency_type IN ('depends_on', 'blocks') THEN
    UPDATE triune_tasks SET unmet_dependencies = unmet_dependencies - 1
    WHERE organization_id = old.organization_id AND id = old.source_id;
  END IF;
  IF TG_OP <> 'DELETE' AND new.hard = 1 AND new.satisfied = 0 AND new.dependency_type IN ('depends_on', 'blocks') THEN
    UPDATE triune_tasks SET unmet_dependencies = unmet_dependencies + 1
    WHERE organization_id = new.organization_id AND id = new.source_id;
  END IF;
  IF TG_OP <> 'DELETE' AND new.delay_ms > 0 AND new.satisfied = 1 AND (TG_OP = 'INSERT' OR old.satisfied = 0)
    AND new.satisfied_at_ms IS NOT NULL THEN
    UPDATE triune_tasks SET scheduled_at_ms = greatest(scheduled_at_ms, new.satisfied_at_ms + new.delay_ms)
    WHERE organization_id = new.organization_id AND id = new.source_id;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_task_dependencies_counted AFTER INSERT OR UPDATE OR DELETE ON triune_task_dependencies
FOR EACH ROW EXECUTE FUNCTION triune_task_dependencies_counted();

-- Items of queues that stand for a task: the task follows the item, and the item waits until the task is ready.
CREATE FUNCTION triune_queue_items_task() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  UPDATE triune_tasks
  SET status = CASE new.state WHEN 'claimed' THEN 'in_progress' WHEN 'completed' THEN 'completed' WHEN 'dead' THEN 'failed'
      WHEN 'cancelled' THEN 'cancelled' ELSE 'pending' END,
    assigned_to = CASE WHEN new.state = 'claimed' THEN nullif(new.worker, '') WHEN new.state = 'waiting' THEN NULL
      ELSE assigned_to END,
    progress = CASE WHEN new.state = 'completed' THEN 100 ELSE progress END,
    retries = retries + CASE WHEN new.state = 'waiting' THEN 1 ELSE 0 END,
    output = CASE WHEN new.state = 'completed' THEN coalesce(new.result, output) ELSE output END,
    error = CASE WHEN new.state IN ('dead', 'waiting') THEN new.last_error ELSE error END,
    assigned_at_ms = CASE WHEN new.state = 'claimed' THEN new.claimed_at_ms ELSE assigned_at_ms END,
    started_at_ms = CASE WHEN new.state = 'claimed' THEN coalesce(started_at_ms, new.claimed_at_ms) ELSE started_at_ms END,
    ended_at_ms = CASE WHEN new.state IN ('completed', 'dead', 'cancelled') THEN new.ended_at_ms ELSE NULL END,
    updated_at_ms = greatest(updated_at_ms, coalesce(new.ended_at_ms, new.claimed_at_ms, new.due_at_ms))
  WHERE organization_id = new.organization_id AND id = new.task_id AND status <> 'archived';
  RETURN NULL;
END $$;

CREATE TRIGGER triune_queue_items_task AFTER UPDATE OF state ON triune_queue_items
FOR EACH ROW WHEN (new.task_id IS NOT NULL AND old.state <> new.state AND new.state <> 'ready'
  AND NOT (old.state = 'blocked' OR new.state = 'blocked' OR (old.state = 'ready' AND new.state = 'waiting')))
EXECUTE FUNCTION triune_queue_items_task();

-- What people read.
CREATE VIEW triune_ready_tasks WITH (security_invoker = true) AS
SELECT t.* FROM triune_tasks t
WHERE t.status = 'pending' AND t.unmet_dependencies = 0
  AND t.scheduled_at_ms <= CAST(extract(epoch FROM now()) * 1000 AS bigint);

CREATE VIEW triune_task_dependency_graph WITH (security_invoker = true) AS
SELECT d.organization_id, d.source_id, s.name AS source, s.status AS source_status, d.dependency_type, d.target_id,
       t.name AS target, t.status AS target_status, d.hard, d.condition, d.satisfied
FROM triune_task_dependencies d
JOIN triune_tasks s ON s.organization_id = d.organization_id AND s.id = d.source_id
JOIN triune_tasks t ON t.organization_id = d.organization_id AND t.id = d.target_id;

CREATE VIEW triune_task_hierarchy WITH (security_invoker = true) AS
WITH RECURSIVE below (organization_id, root_id, id, depth, path) AS (
  SELECT organization_id, id, id, CAST(0 AS bigint), id FROM triune_tasks WHERE parent_id IS NULL
  UNION ALL
  SELECT t.organization_id, b.root_id, t.id, b.depth + 1, b.path || '/' || t.id
  FROM below b JOIN triune_tasks t ON t.organization_id = b.organization_id AND t.parent_id = b.id)
SELECT b.organization_id, b.root_id, b.id, b.depth, b.path, t.name, t.status, t.progress
FROM below b JOIN triune_tasks t ON t.organization_id = b.organization_id AND t.id = b.id;

CREATE VIEW triune_task_summary WITH (security_invoker = true) AS
SELECT d.organization_id, to_char(to_timestamp(d.day * 86400) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, d.status, d.tasks
FROM (SELECT organization_id, day, status, CAST(sum(tasks) AS bigint) AS tasks FROM triune_task_days
      GROUP BY organization_id, day, status) d
WHERE d.tasks > 0;

CREATE VIEW triune_agent_load WITH (security_invoker = true) AS
SELECT organization_id, assigned_to AS agent, count(*) FILTER (WHERE status = 'in_progress') AS in_progress,
       count(*) FILTER (WHERE status = 'assigned') AS assigned, count(*) FILTER (WHERE status = 'blocked') AS blocked,
       count(*) FILTER (WHERE status = 'review') AS review
FROM triune_tasks
WHERE assigned_to IS NOT NULL AND status IN ('in_progress', 'assigned', 'blocked', 'review')
GROUP BY organization_id, assigned_to;
