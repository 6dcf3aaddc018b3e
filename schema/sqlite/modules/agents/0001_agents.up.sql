-- Agents, what they say to each other, and what they remember. Times are milliseconds since 1970; documents are JSON.

-- `agent_type` is open: every system has its own.
CREATE TABLE triune_agents (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 400),
  agent_type TEXT NOT NULL DEFAULT 'custom' CHECK (length(agent_type) BETWEEN 1 AND 100),
  status TEXT NOT NULL DEFAULT 'idle' CHECK (status IN ('starting', 'idle', 'active', 'sleeping', 'degraded', 'maintenance',
    'crashed', 'offline', 'retired')),
  description TEXT NOT NULL DEFAULT '',
  model TEXT NOT NULL DEFAULT '',
  version TEXT NOT NULL DEFAULT '',
  worktree TEXT NOT NULL DEFAULT '',
  branch TEXT NOT NULL DEFAULT '',
  process_id INTEGER,
  max_concurrent_tasks INTEGER NOT NULL DEFAULT 5 CHECK (max_concurrent_tasks > 0),
  cost_cents_per_task REAL CHECK (cost_cents_per_task >= 0),
  configuration TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(configuration)),
  crashes INTEGER NOT NULL DEFAULT 0 CHECK (crashes >= 0),
  crashed_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_agents_by_status ON triune_agents (organization_id, status);

-- Apart from the agents: it changes with every beat. `deadline_at_ms` is set while the agent is watched.
CREATE TABLE triune_agent_heartbeats (
  organization_id INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  interval_ms INTEGER NOT NULL DEFAULT 30000 CHECK (interval_ms >= 0),
  missed_limit INTEGER NOT NULL DEFAULT 3 CHECK (missed_limit > 0),
  last_at_ms INTEGER NOT NULL,
  deadline_at_ms INTEGER,
  current_task TEXT NOT NULL DEFAULT '' CHECK (length(current_task) <= 200),
  context_usage REAL CHECK (context_usage BETWEEN 0 AND 100),
  working_memory TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(working_memory)),
  PRIMARY KEY (organization_id, agent_id),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_agent_heartbeats_due ON triune_agent_heartbeats (organization_id, deadline_at_ms)
WHERE deadline_at_ms IS NOT NULL;

-- `proficiency` is 0 to 1.
CREATE TABLE triune_agent_capabilities (
  organization_id INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  capability TEXT NOT NULL CHECK (length(capability) BETWEEN 1 AND 200),
  proficiency REAL NOT NULL DEFAULT 0.5 CHECK (proficiency BETWEEN 0 AND 1),
  parameters TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(parameters)),
  uses INTEGER NOT NULL DEFAULT 0 CHECK (uses >= 0),
  successes INTEGER NOT NULL DEFAULT 0 CHECK (successes BETWEEN 0 AND uses),
  PRIMARY KEY (organization_id, agent_id, capability),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_agent_capabilities_by_name ON triune_agent_capabilities (organization_id, capability, proficiency DESC);

-- `to_agent` NULL: to all. A thread has the id of its first message.
CREATE TABLE triune_agent_messages (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  thread_id TEXT NOT NULL CHECK (length(thread_id) BETWEEN 1 AND 200),
  reply_to TEXT CHECK (length(reply_to) BETWEEN 1 AND 200),
  from_agent TEXT NOT NULL,
  to_agent TEXT,
  message_type TEXT NOT NULL DEFAULT 'status' CHECK (length(message_type) BETWEEN 1 AND 100),
  priority INTEGER NOT NULL DEFAULT 5 CHECK (priority BETWEEN 0 AND 10),
  content TEXT NOT NULL CHECK (length(content) BETWEEN 1 AND 1048576),
  metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  requires_response INTEGER NOT NULL DEFAULT 0 CHECK (requires_response IN (0, 1)),
  sent_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, from_agent) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, to_agent) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_agent_messages_by_thread ON triune_agent_messages (organization_id, thread_id, sent_at_ms);
CREATE INDEX triune_agent_messages_by_sender ON triune_agent_messages (organization_id, from_agent, sent_at_ms);
CREATE INDEX triune_agent_messages_by_receiver ON triune_agent_messages (organization_id, to_agent) WHERE to_agent IS NOT NULL;

-- One row for each receiver, made with the message.
CREATE TABLE triune_agent_deliveries (
  organization_id INTEGER NOT NULL,
  to_agent TEXT NOT NULL,
  message_id TEXT NOT NULL,
  from_agent TEXT NOT NULL,
  priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 10),
  sent_at_ms INTEGER NOT NULL,
  delivered_at_ms INTEGER,
  acknowledged_at_ms INTEGER,
  PRIMARY KEY (organization_id, to_agent, message_id),
  CHECK (acknowledged_at_ms IS NULL OR delivered_at_ms IS NOT NULL),
  FOREIGN KEY (organization_id, message_id) REFERENCES triune_agent_messages (organization_id, id) ON DELETE CASCADE,
  FOREIGN KEY (organization_id, to_agent) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_agent_deliveries_open
ON triune_agent_deliveries (organization_id, to_agent, priority DESC, sent_at_ms, message_id) WHERE acknowledged_at_ms IS NULL;
CREATE INDEX triune_agent_deliveries_by_message ON triune_agent_deliveries (organization_id, message_id);
CREATE INDEX triune_agent_deliveries_by_ends ON triune_agent_deliveries (organization_id, from_agent, to_agent);

-- Who works with whom: messages to one agent, and tasks that are parts of one whole. `agent_a` sorts before `agent_b`.
CREATE TABLE triune_collaborations (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  agent_a TEXT NOT NULL,
  agent_b TEXT NOT NULL,
  messages INTEGER NOT NULL DEFAULT 0 CHECK (messages >= 0),
  shared_tasks INTEGER NOT NULL DEFAULT 0 CHECK (shared_tasks >= 0),
  last_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, agent_a, agent_b),
  CHECK (agent_a < agent_b)
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_collaborations_by_other ON triune_collaborations (organization_id, agent_b, agent_a);

-- Who was ever assigned a part of a task.
CREATE TABLE triune_task_teams (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  parent_id TEXT NOT NULL,
  agent_id TEXT NOT NULL,
  joined_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, parent_id, agent_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_task_teams_by_agent ON triune_task_teams (organization_id, agent_id);

-- What a model sees. `agent_id` NULL: of no agent in particular. The text is the blob (triune_context, id); its hash tells whether that is the right one.
CREATE TABLE triune_context_sessions (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  agent_id TEXT,
  name TEXT NOT NULL DEFAULT '',
  token_count INTEGER NOT NULL DEFAULT 0 CHECK (token_count >= 0),
  max_tokens INTEGER NOT NULL DEFAULT 200000 CHECK (max_tokens > 0),
  content_bytes INTEGER NOT NULL DEFAULT 0 CHECK (content_bytes >= 0),
  content_hash TEXT NOT NULL DEFAULT '' CHECK (length(content_hash) IN (0, 64)),
  state TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(state)),
  active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  consolidations INTEGER NOT NULL DEFAULT 0 CHECK (consolidations >= 0),
  created_at_ms INTEGER NOT NULL,
  last_accessed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_context_sessions_by_agent ON triune_context_sessions (organization_id, agent_id, active);

-- `usage_percent` is of the moment. A level is crossed at 75, 85 and 95 %.
CREATE TABLE triune_context_events (
  organization_id INTEGER NOT NULL,
  session_id TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number > 0),
  event_type TEXT NOT NULL CHECK (event_type IN ('overflow_warning', 'consolidation', 'compression', 'sleep', 'wake')),
  level TEXT NOT NULL CHECK (level IN ('normal', 'light', 'consolidate', 'emergency')),
  usage_percent REAL NOT NULL CHECK (usage_percent >= 0),
  token_count INTEGER NOT NULL CHECK (token_count >= 0),
  details TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(details)),
  at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, session_id, number),
  FOREIGN KEY (organization_id, session_id) REFERENCES triune_context_sessions (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- The content is the blob (triune_snapshots, session_id/content_hash), compressed where that makes it smaller. Equal contents of a session are
-- one snapshot: `content_hash` is the SHA-256 of the JSON with its keys sorted.
CREATE TABLE triune_memory_snapshots (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  session_id TEXT NOT NULL,
  level TEXT NOT NULL DEFAULT 'working' CHECK (level IN ('working', 'consolidated', 'archived', 'critical')),
  reason TEXT NOT NULL DEFAULT '',
  content_hash TEXT NOT NULL CHECK (length(content_hash) = 64),
  encoding TEXT NOT NULL CHECK (encoding IN ('plain', 'zstd')),
  original_bytes INTEGER NOT NULL CHECK (original_bytes > 0),
  stored_bytes INTEGER NOT NULL CHECK (stored_bytes BETWEEN 1 AND original_bytes),
  token_count INTEGER NOT NULL DEFAULT 0 CHECK (token_count >= 0),
  importance REAL NOT NULL DEFAULT 0.5 CHECK (importance BETWEEN 0 AND 1),
  tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
  expires_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, session_id, content_hash),
  FOREIGN KEY (organization_id, session_id) REFERENCES triune_context_sessions (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_memory_snapshots_expiring ON triune_memory_snapshots (organization_id, expires_at_ms)
WHERE expires_at_ms IS NOT NULL;

-- What an agent keeps by name.
CREATE TABLE triune_key_values (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  namespace TEXT NOT NULL CHECK (length(namespace) BETWEEN 1 AND 200),
  key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 400),
  value TEXT NOT NULL CHECK (json_valid(value)),
  version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
  expires_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, namespace, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_key_values_expiring ON triune_key_values (organization_id, expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- `agent_id` '' is the one value for all agents.
CREATE TABLE triune_configurations (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  agent_id TEXT NOT NULL DEFAULT '' CHECK (length(agent_id) <= 200),
  category TEXT NOT NULL CHECK (length(category) BETWEEN 1 AND 200),
  key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 400),
  value TEXT NOT NULL CHECK (json_valid(value)),
  version INTEGER NOT NULL DEFAULT 1 CHECK (version > 0),
  updated_by TEXT NOT NULL DEFAULT '',
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, agent_id, category, key)
) STRICT, WITHOUT ROWID;

-- Every value that was, kept by triggers. `value` NULL: it was removed.
CREATE TABLE triune_configuration_versions (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  agent_id TEXT NOT NULL,
  category TEXT NOT NULL,
  key TEXT NOT NULL,
  version INTEGER NOT NULL CHECK (version > 0),
  value TEXT,
  changed_by TEXT NOT NULL DEFAULT '',
  changed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, agent_id, category, key, version)
) STRICT, WITHOUT ROWID;

-- Memories: rows here, vectors in the collection agent_memories, nodes and REMEMBERS edges of the graph, words below.
CREATE TABLE triune_memories (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  agent_id TEXT,
  session_id TEXT NOT NULL DEFAULT '' CHECK (length(session_id) <= 200),
  kind TEXT NOT NULL DEFAULT 'note' CHECK (length(kind) BETWEEN 1 AND 100),
  content TEXT NOT NULL CHECK (length(content) BETWEEN 1 AND 262144),
  level TEXT NOT NULL DEFAULT 'working' CHECK (level IN ('working', 'consolidated', 'archived', 'critical')),
  importance REAL NOT NULL DEFAULT 0.5 CHECK (importance BETWEEN 0 AND 1),
  source TEXT NOT NULL DEFAULT '',
  tags TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(tags)),
  metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  expires_at_ms INTEGER,
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_memories_by_agent ON triune_memories (organization_id, agent_id, created_at_ms) WHERE agent_id IS NOT NULL;
CREATE INDEX triune_memories_by_session ON triune_memories (organization_id, session_id, created_at_ms) WHERE session_id <> '';
CREATE INDEX triune_memories_by_kind ON triune_memories (organization_id, kind, created_at_ms);
CREATE INDEX triune_memories_by_time ON triune_memories (organization_id, created_at_ms);
CREATE INDEX triune_memories_expiring ON triune_memories (organization_id, expires_at_ms) WHERE expires_at_ms IS NOT NULL;

-- The words of memories; `text_row` is the row in the index, which holds no text of its own.
CREATE TABLE triune_memory_texts (
  text_row INTEGER PRIMARY KEY,
  organization_id INTEGER NOT NULL,
  memory_id TEXT NOT NULL,
  UNIQUE (organization_id, memory_id)
) STRICT;

CREATE VIRTUAL TABLE triune_memory_words USING fts5(content, content='', tokenize='unicode61 remove_diacritics 2');
CREATE VIRTUAL TABLE triune_memory_vocabulary USING fts5vocab('triune_memory_words', 'row');

-- Agents.
CREATE TRIGGER triune_agents_identity BEFORE UPDATE OF organization_id, id ON triune_agents
WHEN old.organization_id <> new.organization_id OR old.id <> new.id BEGIN
  SELECT RAISE(ABORT, 'the id of an agent never changes');
END;

-- Who rests is not watched; the next heartbeat of one that is back watches it again.
CREATE TRIGGER triune_agents_unwatched AFTER UPDATE OF status ON triune_agents
WHEN old.status <> new.status AND new.status IN ('sleeping', 'maintenance', 'crashed', 'offline', 'retired') BEGIN
  UPDATE triune_agent_heartbeats SET deadline_at_ms = NULL
  WHERE organization_id = new.organization_id AND agent_id = new.id AND deadline_at_ms IS NOT NULL;
END;

-- What a crashed agent held is free again, in the same transaction. A crash counts as an attempt.
CREATE TRIGGER triune_agents_crashed AFTER UPDATE OF status ON triune_agents
WHEN old.status <> new.status AND new.status IN ('crashed', 'retired') BEGIN
  UPDATE triune_queue_items
  SET state = CASE WHEN attempts >= (SELECT max_attempts FROM triune_queues q WHERE q.organization_id = new.organization_id
                                     AND q.name = triune_queue_items.queue) THEN 'dead' ELSE 'waiting' END,
      ended_at_ms = CASE WHEN attempts >= (SELECT max_attempts FROM triune_queues q
                                           WHERE q.organization_id = new.organization_id AND q.name = triune_queue_items.queue)
                         THEN new.updated_at_ms END,
      lease_until_ms = NULL, claimed_at_ms = NULL, worker = '', due_at_ms = new.updated_at_ms,
      last_error = 'its worker ' || new.id || ' is ' || new.status
  WHERE organization_id = new.organization_id AND state = 'claimed' AND worker = new.id;
  UPDATE triune_tasks SET status = 'pending', assigned_to = NULL, updated_at_ms = new.updated_at_ms
  WHERE organization_id = new.organization_id AND assigned_to = new.id AND status IN ('assigned', 'in_progress');
END;

CREATE TRIGGER triune_agents_delete AFTER DELETE ON triune_agents BEGIN
  DELETE FROM triune_collaborations WHERE organization_id = old.organization_id AND (agent_a = old.id OR agent_b = old.id);
  DELETE FROM triune_task_teams WHERE organization_id = old.organization_id AND agent_id = old.id;
  DELETE FROM triune_configurations WHERE organization_id = old.organization_id AND agent_id = old.id;
  UPDATE triune_tasks SET status = 'pending', assigned_to = NULL
  WHERE organization_id = old.organization_id AND assigned_to = old.id AND status IN ('assigned', 'in_progress');
END;

-- Messages reach their receivers with the row: one, or every other agent that is not retired.
CREATE TRIGGER triune_agent_messages_route AFTER INSERT ON triune_agent_messages BEGIN
  INSERT INTO triune_agent_deliveries (organization_id, to_agent, message_id, from_agent, priority, sent_at_ms)
  SELECT new.organization_id, new.to_agent, new.id, new.from_agent, new.priority, new.sent_at_ms
  WHERE new.to_agent IS NOT NULL
  UNION ALL
  SELECT new.organization_id, a.id, new.id, new.from_agent, new.priority, new.sent_at_ms
  FROM triune_agents a
  WHERE new.to_agent IS NULL AND a.organization_id = new.organization_id AND a.id <> new.from_agent AND a.status <> 'retired';
END;

CREATE TRIGGER triune_agent_messages_collaborate AFTER INSERT ON triune_agent_messages
WHEN new.to_agent <> new.from_agent BEGIN
  UPDATE triune_collaborations SET messages = messages + 1, last_at_ms = max(last_at_ms, new.sent_at_ms)
  WHERE organization_id = new.organization_id AND agent_a = min(new.from_agent, new.to_agent)
    AND agent_b = max(new.from_agent, new.to_agent);
  INSERT INTO triune_collaborations (organization_id, agent_a, agent_b, messages, last_at_ms)
  SELECT new.organization_id, min(new.from_agent, new.to_agent), max(new.from_agent, new.to_agent), 1, new.sent_at_ms
  WHERE NOT EXISTS (SELECT 1 FROM triune_collaborations WHERE organization_id = new.organization_id
    AND agent_a = min(new.from_agent, new.to_agent) AND agent_b = max(new.from_agent, new.to_agent));
END;

CREATE TRIGGER triune_tasks_team_insert AFTER INSERT ON triune_tasks
WHEN new.assigned_to IS NOT NULL AND new.parent_id IS NOT NULL BEGIN
  INSERT INTO triune_task_teams (organization_id, parent_id, agent_id, joined_at_ms)
  SELECT new.organization_id, new.parent_id, new.assigned_to, new.updated_at_ms WHERE NOT EXISTS (
    SELECT 1 FROM triune_task_teams WHERE organization_id = new.organization_id AND parent_id = new.parent_id
      AND agent_id = new.assigned_to);
END;

CREATE TRIGGER triune_tasks_team_update AFTER UPDATE OF assigned_to, parent_id ON triune_tasks
WHEN new.assigned_to IS NOT NULL AND new.parent_id IS NOT NULL
 AND (new.assigned_to IS NOT old.assigned_to OR new.parent_id IS NOT old.parent_id) BEGIN
  INSERT INTO triune_task_teams (organization_id, parent_id, agent_id, joined_at_ms)
  SELECT new.organization_id, new.parent_id, new.assigned_to, new.updated_at_ms WHERE NOT EXISTS (
    SELECT 1 FROM triune_task_teams WHERE organization_id = new.organization_id AND parent_id = new.parent_id
      AND agent_id = new.assigned_to);
END;

CREATE TRIGGER triune_task_teams_collaborate AFTER INSERT ON triune_task_teams BEGIN
  UPDATE triune_collaborations SET shared_tasks = shared_tasks + 1, last_at_ms = max(last_at_ms, new.joined_at_ms)
  WHERE organization_id = new.organization_id AND (
    (agent_b = new.agent_id AND agent_a IN (SELECT t.agent_id FROM triune_task_teams t
      WHERE t.organization_id = new.organization_id AND t.parent_id = new.parent_id))
    OR (agent_a = new.agent_id AND agent_b IN (SELECT t.agent_id FROM triune_task_teams t
      WHERE t.organization_id = new.organization_id AND t.parent_id = new.parent_id)));
  INSERT INTO triune_collaborations (organization_id, agent_a, agent_b, shared_tasks, last_at_ms)
  SELECT new.organization_id, min(t.agent_id, new.agent_id), max(t.agent_id, new.agent_id), 1, new.joined_at_ms
  FROM triune_task_teams t
  WHERE t.organization_id = new.organization_id AND t.parent_id = new.parent_id AND t.agent_id <> new.agent_id
    AND NOT EXISTS (SELECT 1 FROM triune_collaborations c WHERE c.organization_id = new.organization_id
      AND c.agent_a = min(t.agent_id, new.agent_id) AND c.agent_b = max(t.agent_id, new.agent_id));
END;

-- Contexts: a level that is reached is told once.
CREATE TRIGGER triune_context_sessions_level AFTER UPDATE OF token_count, max_tokens ON triune_context_sessions
WHEN (new.token_count * 100 >= new.max_tokens * 75) + (new.token_count * 100 >= new.max_tokens * 85)
   + (new.token_count * 100 >= new.max_tokens * 95)
   > (old.token_count * 100 >= old.max_tokens * 75) + (old.token_count * 100 >= old.max_tokens * 85)
   + (old.token_count * 100 >= old.max_tokens * 95) BEGIN
  INSERT INTO triune_context_events (organization_id, session_id, number, event_type, level, usage_percent, token_count, at_ms)
  SELECT new.organization_id, new.id, 1 + coalesce((SELECT max(number) FROM triune_context_events
           WHERE organization_id = new.organization_id AND session_id = new.id), 0), 'overflow_warning',
         CASE WHEN new.token_count * 100 >= new.max_tokens * 95 THEN 'emergency'
              WHEN new.token_count * 100 >= new.max_tokens * 85 THEN 'consolidate' ELSE 'light' END,
         new.token_count * 100.0 / new.max_tokens, new.token_count, new.last_accessed_at_ms;
END;

-- Blobs go with what they belong to.
CREATE TRIGGER triune_context_sessions_delete AFTER DELETE ON triune_context_sessions BEGIN
  DELETE FROM triune_blob_references
  WHERE organization_id = old.organization_id AND owner = 'triune_context' AND name = old.id;
END;
CREATE TRIGGER triune_memory_snapshots_delete AFTER DELETE ON triune_memory_snapshots BEGIN
  DELETE FROM triune_blob_references
  WHERE organization_id = old.organization_id AND owner = 'triune_snapshots' AND name = old.session_id || '/' || old.content_hash;
END;

-- Configurations: versions count on, also after a removal.
CREATE TRIGGER triune_configurations_insert AFTER INSERT ON triune_configurations BEGIN
  UPDATE triune_configurations
  SET version = 1 + coalesce((SELECT max(v.version) FROM triune_configuration_versions v
    WHERE v.organization_id = new.organization_id AND v.agent_id = new.agent_id AND v.category = new.category AND v.key = new.key), 0)
  WHERE organization_id = new.organization_id AND agent_id = new.agent_id AND category = new.category AND key = new.key;
  INSERT INTO triune_configuration_versions (organization_id, agent_id, category, key, version, value, changed_by, changed_at_ms)
  SELECT organization_id, agent_id, category, key, version, value, updated_by, updated_at_ms FROM triune_configurations
  WHERE organization_id = new.organization_id AND agent_id = new.agent_id AND category = new.category AND key = new.key;
END;
CREATE TRIGGER triune_configurations_update AFTER UPDATE OF value ON triune_configurations WHEN old.value <> new.value BEGIN
  UPDATE triune_configurations
  SET version = 1 + coalesce((SELECT max(v.version) FROM triune_configuration_versions v
    WHERE v.organization_id = new.organization_id AND v.agent_id = new.agent_id AND v.category = new.category AND v.key = new.key), 0)
  WHERE organization_id = new.organization_id AND agent_id = new.agent_id AND category = new.category AND key = new.key;
  INSERT INTO triune_configuration_versions (organization_id, agent_id, category, key, version, value, changed_by, changed_at_ms)
  SELECT organization_id, agent_id, category, key, version, value, updated_by, updated_at_ms FROM triune_configurations
  WHERE organization_id = new.organization_id AND agent_id = new.agent_id AND category = new.category AND key = new.key;
END;
CREATE TRIGGER triune_configurations_delete AFTER DELETE ON triune_configurations BEGIN
  INSERT INTO triune_configuration_versions (organization_id, agent_id, category, key, version, changed_by, changed_at_ms)
  SELECT old.organization_id, old.agent_id, old.category, old.key, 1 + coalesce(max(version), 0),
         (SELECT actor FROM triune_audit_context), CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)
  FROM triune_configuration_versions
  WHERE organization_id = old.organization_id AND agent_id = old.agent_id AND category = old.category AND key = old.key;
END;
CREATE TRIGGER triune_configuration_versions_stay BEFORE UPDATE ON triune_configuration_versions BEGIN
  SELECT RAISE(ABORT, 'a version of a configuration is never changed');
END;

-- Memories: their words, and what goes with them.
CREATE TRIGGER triune_memories_words_insert AFTER INSERT ON triune_memories BEGIN
  INSERT INTO triune_memory_texts (organization_id, memory_id) VALUES (new.organization_id, new.id);
  INSERT INTO triune_memory_words (rowid, content)
  SELECT text_row, new.content FROM triune_memory_texts WHERE organization_id = new.organization_id AND memory_id = new.id;
END;
CREATE TRIGGER triune_memories_words_update AFTER UPDATE OF content ON triune_memories WHEN old.content <> new.content BEGIN
  INSERT INTO triune_memory_words (triune_memory_words, rowid, content)
  SELECT 'delete', text_row, old.content FROM triune_memory_texts
  WHERE organization_id = old.organization_id AND memory_id = old.id;
  INSERT INTO triune_memory_words (rowid, content)
  SELECT text_row, new.content FROM triune_memory_texts WHERE organization_id = new.organization_id AND memory_id = new.id;
END;
CREATE TRIGGER triune_memories_delete AFTER DELETE ON triune_memories BEGIN
  INSERT INTO triune_memory_words (triune_memory_words, rowid, content)
  SELECT 'delete', text_row, old.content FROM triune_memory_texts
  WHERE organization_id = old.organization_id AND memory_id = old.id;
  DELETE FROM triune_memory_texts WHERE organization_id = old.organization_id AND memory_id = old.id;
  DELETE FROM triune_vectors WHERE organization_id = old.organization_id AND id = old.id AND collection_id = (
    SELECT collection_id FROM triune_collections
    WHERE organization_id = old.organization_id AND kind = 'vector' AND name = 'agent_memories');
END;
CREATE TRIGGER triune_memories_identity BEFORE UPDATE OF organization_id, id ON triune_memories
WHEN old.organization_id <> new.organization_id OR old.id <> new.id BEGIN
  SELECT RAISE(ABORT, 'the id of a memory never changes');
END;

-- What people read.
CREATE VIEW triune_agent_summary AS
SELECT a.organization_id, a.id, a.name, a.agent_type, a.status, a.crashes, h.last_at_ms AS last_heartbeat_at_ms,
       h.context_usage,
       (SELECT coalesce(sum(t.tasks), 0) FROM triune_task_loads t WHERE t.organization_id = a.organization_id
          AND t.agent = a.id AND t.status = 'in_progress') AS tasks_in_progress,
       (SELECT coalesce(sum(t.tasks), 0) FROM triune_task_loads t WHERE t.organization_id = a.organization_id
          AND t.agent = a.id AND t.status = 'completed') AS tasks_completed,
       (SELECT coalesce(sum(t.tasks), 0) FROM triune_task_loads t WHERE t.organization_id = a.organization_id
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
