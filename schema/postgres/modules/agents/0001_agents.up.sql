-- Agents, what they say to each other, and what they remember. Times are milliseconds since 1970; documents are JSON.

-- `agent_type` is open: every system has its own.
CREATE TABLE triune_agents (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name text NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 400),
  agent_type text NOT NULL DEFAULT 'custom' CHECK (length(agent_type) BETWEEN 1 AND 100),
  status text NOT NULL DEFAULT 'idle' CHECK (status IN ('starting', 'idle', 'active', 'sleeping', 'degraded', 'maintenance',
    'crashed', 'offline', 'retired')),
  description text NOT NULL DEFAULT '',
  model text NOT NULL DEFAULT '',
  version text NOT NULL DEFAULT '',
  worktree text NOT NULL DEFAULT '',
  branch text NOT NULL DEFAULT '',
  process_id bigint,
  max_concurrent_tasks bigint NOT NULL DEFAULT 5 CHECK (max_concurrent_tasks > 0),
  cost_cents_per_task double precision CHECK (cost_cents_per_task >= 0),
  configuration text NOT NULL DEFAULT '{}' CHECK (CAST(configuration AS json) IS NOT NULL),
  crashes bigint NOT NULL DEFAULT 0 CHECK (crashes >= 0),
  crashed_at_ms bigint,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, name)
);

CREATE INDEX triune_agents_by_status ON triune_agents (organization_id, status);

-- Apart from the agents: it changes with every beat. `deadline_at_ms` is set while the agent is watched.
CREATE TABLE triune_agent_heartbeats (
  organization_id bigint NOT NULL,
  agent_id text NOT NULL,
  interval_ms bigint NOT NULL DEFAULT 30000 CHECK (interval_ms >= 0),
  missed_limit bigint NOT NULL DEFAULT 3 CHECK (missed_limit > 0),
  last_at_ms bigint NOT NULL,
  deadline_at_ms bigint,
  current_task text NOT NULL DEFAULT '' CHECK (length(current_task) <= 200),
  context_usage double precision CHECK (context_usage BETWEEN 0 AND 100),
  working_memory text NOT NULL DEFAULT '{}' CHECK (CAST(working_memory AS json) IS NOT NULL),
  PRIMARY KEY (organization_id, agent_id),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_agent_heartbeats_due ON triune_agent_heartbeats (organization_id, deadline_at_ms)
WHERE deadline_at_ms IS NOT NULL;

-- `proficiency` is 0 to 1.
CREATE TABLE triune_agent_capabilities (
  organization_id bigint NOT NULL,
  agent_id text NOT NULL,
  capability text NOT NULL CHECK (length(capability) BETWEEN 1 AND 200),
  proficiency double precision NOT NULL DEFAULT 0.5 CHECK (proficiency BETWEEN 0 AND 1),
  parameters text NOT NULL DEFAULT '{}' CHECK (CAST(parameters AS json) IS NOT NULL),
  uses bigint NOT NULL DEFAULT 0 CHECK (uses >= 0),
  successes bigint NOT NULL DEFAULT 0 CHECK (successes BETWEEN 0 AND uses),
  PRIMARY KEY (organization_id, agent_id, capability),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_agent_capabilities_by_name ON triune_agent_capabilities (organization_id, capability, proficiency DESC);

-- `to_agent` NULL: to all. A thread has the id of its first message.
CREATE TABLE triune_agent_messages (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  thread_id text NOT NULL CHECK (length(thread_id) BETWEEN 1 AND 200),
  reply_to text CHECK (length(reply_to) BETWEEN 1 AND 200),
  from_agent text NOT NULL,
  to_agent text,
  message_type text NOT NULL DEFAULT 'status' CHECK (length(message_type) BETWEEN 1 AND 100),
  priority bigint NOT NULL DEFAULT 5 CHECK (priority BETWEEN 0 AND 10),
  content text NOT NULL CHECK (length(content) BETWEEN 1 AND 1048576),
  metadata text NOT NULL DEFAULT '{}' CHECK (CAST(metadata AS json) IS NOT NULL),
  requires_response bigint NOT NULL DEFAULT 0 CHECK (requires_response IN (0, 1)),
  sent_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, from_agent) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, to_agent) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_agent_messages_by_thread ON triune_agent_messages (organization_id, thread_id, sent_at_ms);
CREATE INDEX triune_agent_messages_by_sender ON triune_agent_messages (organization_id, from_agent, sent_at_ms);
CREATE INDEX triune_agent_messages_by_receiver ON triune_agent_messages (organization_id, to_agent) WHERE to_agent IS NOT NULL;

-- One row for each receiver, made with the message.
CREATE TABLE triune_agent_deliveries (
  organization_id bigint NOT NULL,
  to_agent text NOT NULL,
  message_id text NOT NULL,
  from_agent text NOT NULL,
  priority bigint NOT NULL CHECK (priority BETWEEN 0 AND 10),
  sent_at_ms bigint NOT NULL,
  delivered_at_ms bigint,
  acknowledged_at_ms bigint,
  PRIMARY KEY (organization_id, to_agent, message_id),
  CHECK (acknowledged_at_ms IS NULL OR delivered_at_ms IS NOT NULL),
  FOREIGN KEY (organization_id, message_id) REFERENCES triune_agent_messages (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, to_agent) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_agent_deliveries_open
ON triune_agent_deliveries (organization_id, to_agent, priority DESC, sent_at_ms, message_id) WHERE acknowledged_at_ms IS NULL;
CREATE INDEX triune_agent_deliveries_by_message ON triune_agent_deliveries (organization_id, message_id);
CREATE INDEX triune_agent_deliveries_by_ends ON triune_agent_deliveries (organization_id, from_agent, to_agent);

-- Who works with whom: messages to one agent, and tasks that are parts of one whole. `agent_a` sorts before `agent_b`.
CREATE TABLE triune_collaborations (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  agent_a text NOT NULL,
  agent_b text NOT NULL,
  messages bigint NOT NULL DEFAULT 0 CHECK (messages >= 0),
  shared_tasks bigint NOT NULL DEFAULT 0 CHECK (shared_tasks >= 0),
  last_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, agent_a, agent_b),
  CHECK (agent_a COLLATE "C" < agent_b COLLATE "C")
);

CREATE INDEX triune_collaborations_by_other ON triune_collaborations (organization_id, agent_b, agent_a);

-- Who was ever assigned a part of a task.
CREATE TABLE triune_task_teams (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  parent_id text NOT NULL,
  agent_id text NOT NULL,
  joined_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, parent_id, agent_id)
);

CREATE INDEX triune_task_teams_by_agent ON triune_task_teams (organization_id, agent_id);

-- What a model sees. `agent_id` NULL: of no agent in particular. The text is the blob (triune_context, id); its hash tells whether that is the right one.
CREATE TABLE triune_context_sessions (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  agent_id text,
  name text NOT NULL DEFAULT '',
  token_count bigint NOT NULL DEFAULT 0 CHECK (token_count >= 0),
  max_tokens bigint NOT NULL DEFAULT 200000 CHECK (max_tokens > 0),
  content_bytes bigint NOT NULL DEFAULT 0 CHECK (content_bytes >= 0),
  content_hash text NOT NULL DEFAULT '' CHECK (length(content_hash) IN (0, 64)),
  state text NOT NULL DEFAULT '{}' CHECK (CAST(state AS json) IS NOT NULL),
  active bigint NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  consolidations bigint NOT NULL DEFAULT 0 CHECK (consolidations >= 0),
  created_at_ms bigint NOT NULL,
  last_accessed_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_context_sessions_by_agent ON triune_context_sessions (organization_id, agent_id, active);

-- `usage_percent` is of the moment. A level is crossed at 75, 85 and 95 %.
CREATE TABLE triune_context_events (
  organization_id bigint NOT NULL,
  session_id text NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  event_type text NOT NULL CHECK (event_type IN ('overflow_warning', 'consolidation', 'compression', 'sleep', 'wake')),
  level text NOT NULL CHECK (level IN ('normal', 'light', 'consolidate', 'emergency')),
  usage_percent double precision NOT NULL CHECK (usage_percent >= 0),
  token_count bigint NOT NULL CHECK (token_count >= 0),
  details text NOT NULL DEFAULT '{}' CHECK (CAST(details AS json) IS NOT NULL),
  at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, session_id, number),
  FOREIGN KEY (organization_id, session_id) REFERENCES triune_context_sessions (organization_id, id) ON DELETE CASCADE
);

-- The content is the blob (triune_snapshots, session_id/content_hash), compressed where that makes it smaller. Equal contents of a session are
-- one snapshot: `content_hash` is the SHA-256 of the JSON with its keys sorted.
CREATE TABLE triune_memory_snapshots (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  session_id text NOT NULL,
  level text NOT NULL DEFAULT 'working' CHECK (level IN ('working', 'consolidated', 'archived', 'critical')),
  reason text NOT NULL DEFAULT '',
  content_hash text NOT NULL CHECK (length(content_hash) = 64),
  encoding text NOT NULL CHECK (encoding IN ('plain', 'zstd')),
  original_bytes bigint NOT NULL CHECK (original_bytes > 0),
  stored_bytes bigint NOT NULL CHECK (stored_bytes BETWEEN 1 AND original_bytes),
  token_count bigint NOT NULL DEFAULT 0 CHECK (token_count >= 0),
  importance double precision NOT NULL DEFAULT 0.5 CHECK (importance BETWEEN 0 AND 1),
  tags text NOT NULL DEFAULT '[]' CHECK (CAST(tags AS json) IS NOT NULL),
  expires_at_ms bigint,
  created_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, session_id, content_hash),
  FOREIGN KEY (organization_id, session_id) REFERENCES triune_context_sessions (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_memory_snapshots_expiring ON triune_memory_snapshots (organization_id, expires_at_ms)
WHERE expires_at_ms IS NOT NULL;

-- What an agent keeps by name.
CREATE TABLE triune_key_values (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  namespace text NOT NULL CHECK (length(namespace) BETWEEN 1 AND 200),
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 400),
  value text NOT NULL CHECK (CAST(value AS json) IS NOT NULL),
  version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
  expires_at_ms bigint,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, namespace, key)
);

CREATE INDEX triune_key_values_expiring ON triune_key_values (organization_id, expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- `agent_id` '' is the one value for all agents.
CREATE TABLE triune_configurations (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  agent_id text NOT NULL DEFAULT '' CHECK (length(agent_id) <= 200),
  category text NOT NULL CHECK (length(category) BETWEEN 1 AND 200),
  key text NOT NULL CHECK (length(key) BETWEEN 1 AND 400),
  value text NOT NULL CHECK (CAST(value AS json) IS NOT NULL),
  version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
  updated_by text NOT NULL DEFAULT '',
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, agent_id, category, key)
);

-- Every value that was, kept by triggers. `value` NULL: it was removed.
CREATE TABLE triune_configuration_versions (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  agent_id text NOT NULL,
  category text NOT NULL,
  key text NOT NULL,
  version bigint NOT NULL CHECK (version > 0),
  value text,
  changed_by text NOT NULL DEFAULT '',
  changed_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, agent_id, category, key, version)
);

-- Memories: rows here, vectors in the collection agent_memories, nodes and REMEMBERS edges of the graph, words below.
CREATE TABLE triune_memories (
  organization_id bigint NOT NULL REFERENCES triune_organizations (organization_id),
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  agent_id text,
  session_id text NOT NULL DEFAULT '' CHECK (length(session_id) <= 200),
  kind text NOT NULL DEFAULT 'note' CHECK (length(kind) BETWEEN 1 AND 100),
  content text NOT NULL CHECK (length(content) BETWEEN 1 AND 262144),
  level text NOT NULL DEFAULT 'working' CHECK (level IN ('working', 'consolidated', 'archived', 'critical')),
  importance double precision NOT NULL DEFAULT 0.5 CHECK (importance BETWEEN 0 AND 1),
  source text NOT NULL DEFAULT '',
  tags text NOT NULL DEFAULT '[]' CHECK (CAST(tags AS json) IS NOT NULL),
  metadata text NOT NULL DEFAULT '{}' CHECK (CAST(metadata AS json) IS NOT NULL),
  expires_at_ms bigint,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_memories_by_agent ON triune_memories (organization_id, agent_id, created_at_ms) WHERE agent_id IS NOT NULL;
CREATE INDEX triune_memories_by_session ON triune_memories (organization_id, session_id, created_at_ms) WHERE session_id <> '';
CREATE INDEX triune_memories_by_kind ON triune_memories (organization_id, kind, created_at_ms);
CREATE INDEX triune_memories_by_time ON triune_memories (organization_id, created_at_ms);
CREATE INDEX triune_memories_expiring ON triune_memories (organization_id, expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- The words of memories.
CREATE TABLE triune_memory_texts (
  organization_id bigint NOT NULL,
  memory_id text NOT NULL,
  words tsvector NOT NULL,
  PRIMARY KEY (organization_id, memory_id)
);

CREATE INDEX triune_memory_texts_words ON triune_memory_texts USING gin (words);

-- Agents.
CREATE FUNCTION triune_agents_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF old.organization_id <> new.organization_id OR old.id <> new.id THEN
    RAISE EXCEPTION 'the id of an agent never changes' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN new;
END $$;

CREATE TRIGGER triune_agents_before BEFORE UPDATE ON triune_agents FOR EACH ROW EXECUTE FUNCTION triune_agents_before();

-- Who rests is not watched. What a crashed agent held is free again, in the same transaction; a crash counts as an attempt.
CREATE FUNCTION triune_agents_after() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM triune_collaborations WHERE organization_id = old.organization_id AND (agent_a = old.id OR agent_b = old.id);
    DELETE FROM triune_task_teams WHERE organization_id = old.organization_id AND agent_id = old.id;
    DELETE FROM triune_configurations WHERE organization_id = old.organization_id AND agent_id = old.id;
    UPDATE triune_tasks SET status = 'pending', assigned_to = NULL
    WHERE organization_id = old.organization_id AND assigned_to = old.id AND status IN ('assigned', 'in_progress');
    RETURN NULL;
  END IF;
  IF new.status NOT IN ('sleeping', 'maintenance', 'crashed', 'offline', 'retired') THEN RETURN NULL; END IF;
  UPDATE triune_agent_heartbeats SET deadline_at_ms = NULL
  WHERE organization_id = new.organization_id AND agent_id = new.id AND deadline_at_ms IS NOT NULL;
  IF new.status NOT IN ('crashed', 'retired') THEN RETURN NULL; END IF;
  UPDATE triune_queue_items i
  SET state = CASE WHEN i.attempts >= q.max_attempts THEN 'dead' ELSE 'waiting' END,
      ended_at_ms = CASE WHEN i.attempts >= q.max_attempts THEN new.updated_at_ms END,
      lease_until_ms = NULL, claimed_at_ms = NULL, worker = '', due_at_ms = new.updated_at_ms,
      last_error = 'its worker ' || new.id || ' is ' || new.status
  FROM triune_queues q
  WHERE q.organization_id = i.organization_id AND q.name = i.queue
    AND i.organization_id = new.organization_id AND i.state = 'claimed' AND i.worker = new.id;
  UPDATE triune_tasks SET status = 'pending', assigned_to = NULL, updated_at_ms = new.updated_at_ms
  WHERE organization_id = new.organization_id AND assigned_to = new.id AND status IN ('assigned', 'in_progress');
  RETURN NULL;
END $$;

CREATE TRIGGER triune_agents_after AFTER UPDATE OF status ON triune_agents FOR EACH ROW
WHEN (old.status IS DISTINCT FROM new.status) EXECUTE FUNCTION triune_agents_after();
CREATE TRIGGER triune_agents_deleted AFTER DELETE ON triune_agents FOR EACH ROW EXECUTE FUNCTION triune_agents_after();

CREATE FUNCTION triune_collaborate(organization bigint, one text, other text, more_messages bigint, more_tasks bigint, at bigint)
RETURNS void LANGUAGE sql SET search_path FROM CURRENT
AS $$
  INSERT INTO triune_collaborations (organization_id, agent_a, agent_b, messages, shared_tasks, last_at_ms)
  VALUES (organization, least(one COLLATE "C", other COLLATE "C"), greatest(one COLLATE "C", other COLLATE "C"), more_messages,
    more_tasks, at)
  ON CONFLICT (organization_id, agent_a, agent_b) DO UPDATE
  SET messages = triune_collaborations.messages + more_messages,
      shared_tasks = triune_collaborations.shared_tasks + more_tasks,
      last_at_ms = greatest(triune_collaborations.last_at_ms, at)
$$;

-- Messages reach their receivers with the row: one, or every other agent that is not retired.
CREATE FUNCTION triune_agent_messages_after() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  INSERT INTO triune_agent_deliveries (organization_id, to_agent, message_id, from_agent, priority, sent_at_ms)
  SELECT new.organization_id, a.id, new.id, new.from_agent, new.priority, new.sent_at_ms
  FROM triune_agents a
  WHERE a.organization_id = new.organization_id AND (a.id = new.to_agent
    OR (new.to_agent IS NULL AND a.id <> new.from_agent AND a.status <> 'retired'));
  IF new.to_agent <> new.from_agent THEN
    PERFORM triune_collaborate(new.organization_id, new.from_agent, new.to_agent, 1, 0, new.sent_at_ms);
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_agent_messages_after AFTER INSERT ON triune_agent_messages
FOR EACH ROW EXECUTE FUNCTION triune_agent_messages_after();

CREATE FUNCTION triune_tasks_team() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  INSERT INTO triune_task_teams (organization_id, parent_id, agent_id, joined_at_ms)
  VALUES (new.organization_id, new.parent_id, new.assigned_to, new.updated_at_ms) ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_tasks_team AFTER INSERT OR UPDATE OF assigned_to, parent_id ON triune_tasks FOR EACH ROW
WHEN (new.assigned_to IS NOT NULL AND new.parent_id IS NOT NULL) EXECUTE FUNCTION triune_tasks_team();

CREATE FUNCTION triune_task_teams_after() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ DECLARE mate text; BEGIN
  -- Of two that join at a time the later one must see the other.
  PERFORM 1 FROM triune_tasks WHERE organization_id = new.organization_id AND id = new.parent_id FOR UPDATE;
  FOR mate IN SELECT agent_id FROM triune_task_teams
    WHERE organization_id = new.organization_id AND parent_id = new.parent_id AND agent_id <> new.agent_id ORDER BY 1 LOOP
    PERFORM triune_collaborate(new.organization_id, mate, new.agent_id, 0, 1, new.joined_at_ms);
  END LOOP;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_task_teams_after AFTER INSERT ON triune_task_teams
FOR EACH ROW EXECUTE FUNCTION triune_task_teams_after();

-- Contexts: a level that is reached is told once.
CREATE FUNCTION triune_context_level(tokens bigint, most bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$
  SELECT CASE WHEN tokens * 100 >= most * 95 THEN 3 WHEN tokens * 100 >= most * 85 THEN 2
              WHEN tokens * 100 >= most * 75 THEN 1 ELSE 0 END
$$;

CREATE FUNCTION triune_context_sessions_after() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM triune_blob_references
    WHERE organization_id = old.organization_id AND owner = 'triune_context' AND name = old.id;
    RETURN NULL;
  END IF;
  IF triune_context_level(new.token_count, new.max_tokens) <= triune_context_level(old.token_count, old.max_tokens) THEN
    RETURN NULL;
  END IF;
  INSERT INTO triune_context_events (organization_id, session_id, number, event_type, level, usage_percent, token_count, at_ms)
  SELECT new.organization_id, new.id, 1 + coalesce(max(number), 0), 'overflow_warning',
         (ARRAY['light', 'consolidate', 'emergency'])[triune_context_level(new.token_count, new.max_tokens)],
         CAST(new.token_count AS double precision) * 100 / new.max_tokens, new.token_count, new.last_accessed_at_ms
  FROM triune_context_events WHERE organization_id = new.organization_id AND session_id = new.id;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_context_sessions_after AFTER UPDATE OF token_count, max_tokens OR DELETE ON triune_context_sessions
FOR EACH ROW EXECUTE FUNCTION triune_context_sessions_after();

CREATE FUNCTION triune_memory_snapshots_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  DELETE FROM triune_blob_references
  WHERE organization_id = old.organization_id AND owner = 'triune_snapshots' AND name = old.session_id || '/' || old.content_hash;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_memory_snapshots_deleted AFTER DELETE ON triune_memory_snapshots
FOR EACH ROW EXECUTE FUNCTION triune_memory_snapshots_deleted();

-- Configurations: versions count on, also after a removal.
CREATE FUNCTION triune_configurations_before() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'UPDATE' AND old.value = new.value THEN RETURN new; END IF;
  SELECT 1 + coalesce(max(version), 0) INTO new.version FROM triune_configuration_versions
  WHERE organization_id = new.organization_id AND agent_id = new.agent_id AND category = new.category AND key = new.key;
  RETURN new;
END $$;

CREATE TRIGGER triune_configurations_before BEFORE INSERT OR UPDATE ON triune_configurations
FOR EACH ROW EXECUTE FUNCTION triune_configurations_before();

CREATE FUNCTION triune_configurations_after() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN
    INSERT INTO triune_configuration_versions (organization_id, agent_id, category, key, version, changed_by, changed_at_ms)
    SELECT old.organization_id, old.agent_id, old.category, old.key, 1 + coalesce(max(version), 0),
           coalesce(current_setting('triune.actor', true), ''),
           CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)
    FROM triune_configuration_versions
    WHERE organization_id = old.organization_id AND agent_id = old.agent_id AND category = old.category AND key = old.key;
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' AND old.value = new.value THEN RETURN NULL; END IF;
  INSERT INTO triune_configuration_versions (organization_id, agent_id, category, key, version, value, changed_by, changed_at_ms)
  VALUES (new.organization_id, new.agent_id, new.category, new.key, new.version, new.value, new.updated_by, new.updated_at_ms);
  RETURN NULL;
END $$;

CREATE TRIGGER triune_configurations_after AFTER INSERT OR UPDATE OR DELETE ON triune_configurations
FOR EACH ROW EXECUTE FUNCTION triune_configurations_after();

CREATE FUNCTION triune_configuration_versions_stay() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN
  RAISE EXCEPTION 'a version of a configuration is never changed' USING ERRCODE = 'integrity_constraint_violation';
END $$;

CREATE TRIGGER triune_configuration_versions_stay BEFORE UPDATE ON triune_configuration_versions
FOR EACH ROW EXECUTE FUNCTION triune_configuration_versions_stay();

-- Memories: their words, and what goes with them.
CREATE FUNCTION triune_memories_after() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  IF TG_OP = 'DELETE' THEN
    DELETE FROM triune_memory_texts WHERE organization_id = old.organization_id AND memory_id = old.id;
    DELETE FROM triune_vectors WHERE organization_id = old.organization_id AND id = old.id AND collection_id = (
      SELECT collection_id FROM triune_collections
      WHERE organization_id = old.organization_id AND kind = 'vector' AND name = 'agent_memories');
    RETURN NULL;
  END IF;
  IF TG_OP = 'UPDATE' AND (old.organization_id <> new.organization_id OR old.id <> new.id) THEN
    RAISE EXCEPTION 'the id of a memory never changes' USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  INSERT INTO triune_memory_texts (organization_id, memory_id, words)
  VALUES (new.organization_id, new.id, triune_words(new.content))
  ON CONFLICT (organization_id, memory_id) DO UPDATE SET words = excluded.words;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_memories_after AFTER INSERT OR UPDATE OF organization_id, id, content OR DELETE ON triune_memories
FOR EACH ROW EXECUTE FUNCTION triune_memories_after();

-- What people read.
CREATE VIEW triune_agent_summary WITH (security_invoker = true) AS
SELECT a.organization_id, a.id, a.name, a.agent_type, a.status, a.crashes, h.last_at_ms AS last_heartbeat_at_ms,
       h.context_usage,
       (SELECT CAST(coalesce(sum(t.tasks), 0) AS bigint) FROM triune_task_loads t WHERE t.organization_id = a.organization_id
          AND t.agent = a.id AND t.status = 'in_progress') AS tasks_in_progress,
       (SELECT CAST(coalesce(sum(t.tasks), 0) AS bigint) FROM triune_task_loads t WHERE t.organization_id = a.organization_id
          AND t.agent = a.id AND t.status = 'completed') AS tasks_completed,
       (SELECT CAST(coalesce(sum(t.tasks), 0) AS bigint) FROM triune_task_loads t WHERE t.organization_id = a.organization_id
          AND t.agent = a.id AND t.status = 'failed') AS tasks_failed,
       (SELECT count(*) FROM triune_agent_capabilities c WHERE c.organization_id = a.organization_id AND c.agent_id = a.id)
         AS capabilities,
       (SELECT count(*) FROM triune_agent_deliveries d WHERE d.organization_id = a.organization_id AND d.to_agent = a.id
          AND d.acknowledged_at_ms IS NULL) AS open_messages,
       (SELECT count(*) FROM triune_context_sessions s WHERE s.organization_id = a.organization_id AND s.agent_id = a.id
          AND s.active = 1) AS active_sessions,
       (SELECT count(*) FROM triune_memories m WHERE m.organization_id = a.organization_id AND m.agent_id = a.id) AS memories
FROM triune_agents a
LEFT JOIN triune_agent_heartbeats h ON h.organization_id = a.organization_id AND h.agent_id = a.id;
