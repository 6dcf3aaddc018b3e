-- What is known of agents' work: when they are away, what people think of it, what they decided, how their contexts fill.

-- Someone who is away is given no work. `until_ms` NULL: until further notice.
CREATE TABLE triune_agent_absences (
  organization_id INTEGER NOT NULL,
  agent_id TEXT NOT NULL,
  from_ms INTEGER NOT NULL CHECK (from_ms >= 0),
  until_ms INTEGER,
  reason TEXT NOT NULL DEFAULT '' CHECK (length(reason) <= 1000),
  PRIMARY KEY (organization_id, agent_id, from_ms),
  CHECK (until_ms IS NULL OR until_ms > from_ms),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- `rating` is 1 (worst) to 5.
CREATE TABLE triune_agent_feedback (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  agent_id TEXT NOT NULL,
  task_id TEXT NOT NULL DEFAULT '' CHECK (length(task_id) <= 200),
  feedback_type TEXT NOT NULL DEFAULT 'general' CHECK (feedback_type IN ('general', 'accuracy', 'speed', 'quality', 'usability')),
  rating INTEGER NOT NULL CHECK (rating BETWEEN 1 AND 5),
  comment TEXT NOT NULL DEFAULT '' CHECK (length(comment) <= 10000),
  given_by TEXT NOT NULL DEFAULT '' CHECK (length(given_by) <= 200),
  given_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_agent_feedback_by_agent ON triune_agent_feedback (organization_id, agent_id, given_at_ms);

-- Confidences are 0 to 1; `review_confidence` is that of whoever was asked for a second opinion.
CREATE TABLE triune_decisions (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  agent_id TEXT NOT NULL,
  title TEXT NOT NULL CHECK (length(title) BETWEEN 1 AND 1000),
  chosen TEXT NOT NULL DEFAULT '' CHECK (length(chosen) <= 10000),
  options TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(options)),
  reasons TEXT NOT NULL DEFAULT '' CHECK (length(reasons) <= 100000),
  confidence REAL NOT NULL CHECK (confidence BETWEEN 0 AND 1),
  review_confidence REAL CHECK (review_confidence BETWEEN 0 AND 1),
  human_involved INTEGER NOT NULL DEFAULT 0 CHECK (human_involved IN (0, 1)),
  task_id TEXT NOT NULL DEFAULT '' CHECK (length(task_id) <= 200),
  session_id TEXT NOT NULL DEFAULT '' CHECK (length(session_id) <= 200),
  outcome TEXT NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'succeeded', 'failed', 'reverted')),
  outcome_note TEXT NOT NULL DEFAULT '' CHECK (length(outcome_note) <= 10000),
  decided_at_ms INTEGER NOT NULL,
  resolved_at_ms INTEGER,
  PRIMARY KEY (organization_id, id),
  CHECK ((outcome = 'open') = (resolved_at_ms IS NULL)),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_decisions_by_agent ON triune_decisions (organization_id, agent_id, decided_at_ms);

CREATE TRIGGER triune_decisions_identity BEFORE UPDATE OF organization_id, id, agent_id ON triune_decisions
WHEN old.organization_id <> new.organization_id OR old.id <> new.id OR old.agent_id <> new.agent_id BEGIN
  SELECT RAISE(ABORT, 'whose decision it is never changes');
END;

-- How full a context was, from change to change: the last 1,000 of each.
CREATE TABLE triune_context_history (
  organization_id INTEGER NOT NULL,
  session_id TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number > 0),
  at_ms INTEGER NOT NULL,
  token_count INTEGER NOT NULL CHECK (token_count >= 0),
  usage_percent REAL NOT NULL CHECK (usage_percent >= 0),
  PRIMARY KEY (organization_id, session_id, number),
  FOREIGN KEY (organization_id, session_id) REFERENCES triune_context_sessions (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE TRIGGER triune_context_sessions_filled AFTER INSERT ON triune_context_sessions WHEN new.token_count > 0 BEGIN
  INSERT INTO triune_context_history (organization_id, session_id, number, at_ms, token_count, usage_percent)
  VALUES (new.organization_id, new.id, 1, new.last_accessed_at_ms, new.token_count, new.token_count * 100.0 / new.max_tokens);
END;

CREATE TRIGGER triune_context_sessions_history AFTER UPDATE OF token_count ON triune_context_sessions
WHEN old.token_count <> new.token_count BEGIN
  INSERT INTO triune_context_history (organization_id, session_id, number, at_ms, token_count, usage_percent)
  SELECT new.organization_id, new.id, 1 + coalesce((SELECT max(number) FROM triune_context_history
           WHERE organization_id = new.organization_id AND session_id = new.id), 0),
         new.last_accessed_at_ms, new.token_count, new.token_count * 100.0 / new.max_tokens;
  DELETE FROM triune_context_history WHERE organization_id = new.organization_id AND session_id = new.id
    AND number <= (SELECT max(number) FROM triune_context_history
                   WHERE organization_id = new.organization_id AND session_id = new.id) - 1000;
END;

-- Who can be given work now, and how much more of it.
CREATE VIEW triune_available_agents AS
SELECT a.organization_id, a.id, a.name, a.agent_type, a.status, a.max_concurrent_tasks,
       a.max_concurrent_tasks - (SELECT count(*) FROM triune_tasks t WHERE t.organization_id = a.organization_id
         AND t.assigned_to = a.id AND t.status IN ('assigned', 'in_progress')) AS free_tasks
FROM triune_agents a
WHERE a.status IN ('idle', 'active', 'degraded') AND NOT EXISTS (
  SELECT 1 FROM triune_agent_absences b WHERE b.organization_id = a.organization_id AND b.agent_id = a.id
    AND b.from_ms <= CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + 1
    AND (b.until_ms IS NULL OR b.until_ms > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + 1));

CREATE VIEW triune_agent_ratings AS
SELECT organization_id, agent_id, feedback_type, count(*) AS ratings, avg(CAST(rating AS REAL)) AS average_rating,
       min(rating) AS lowest, max(rating) AS highest, max(given_at_ms) AS last_at_ms
FROM triune_agent_feedback
GROUP BY organization_id, agent_id, feedback_type;

CREATE VIEW triune_decision_outcomes AS
SELECT organization_id, agent_id, count(*) AS decisions, sum(outcome = 'open') AS open, sum(outcome = 'succeeded') AS succeeded,
       sum(outcome = 'failed') AS failed, sum(outcome = 'reverted') AS reverted, sum(human_involved) AS with_humans,
       avg(confidence) AS average_confidence,
       avg(CASE WHEN outcome <> 'open' THEN (confidence - (outcome = 'succeeded')) * (confidence - (outcome = 'succeeded')) END)
         AS brier_score
FROM triune_decisions
GROUP BY organization_id, agent_id;
