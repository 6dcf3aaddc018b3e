-- What is known of agents' work: when they are away, what people think of it, what they decided, how their contexts fill.

-- Someone who is away is given no work. `until_ms` NULL: until further notice.
CREATE TABLE triune_agent_absences (
  organization_id bigint NOT NULL,
  agent_id text NOT NULL,
  from_ms bigint NOT NULL CHECK (from_ms >= 0),
  until_ms bigint,
  reason text NOT NULL DEFAULT '' CHECK (length(reason) <= 1000),
  PRIMARY KEY (organization_id, agent_id, from_ms),
  CHECK (until_ms IS NULL OR until_ms > from_ms),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
);

-- `rating` is 1 (worst) to 5.
CREATE TABLE triune_agent_feedback (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  agent_id text NOT NULL,
  task_id text NOT NULL DEFAULT '' CHECK (length(task_id) <= 200),
  feedback_type text NOT NULL DEFAULT 'general' CHECK (feedback_type IN ('general', 'accuracy', 'speed', 'quality', 'usability')),
  rating bigint NOT NULL CHECK (rating BETWEEN 1 AND 5),
  comment text NOT NULL DEFAULT '' CHECK (length(comment) <= 10000),
  given_by text NOT NULL DEFAULT '' CHECK (length(given_by) <= 200),
  given_at_ms bigint NOT NULL,
  PRIMARY KEY (organization_id, id),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_agent_feedback_by_agent ON triune_agent_feedback (organization_id, agent_id, given_at_ms);

-- Confidences are 0 to 1; `review_confidence` is that of whoever was asked for a second opinion.
CREATE TABLE triune_decisions (
  organization_id bigint NOT NULL,
  id text NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  agent_id text NOT NULL,
  title text NOT NULL CHECK (length(title) BETWEEN 1 AND 1000),
  chosen text NOT NULL DEFAULT '' CHECK (length(chosen) <= 10000),
  options text NOT NULL DEFAULT '[]' CHECK (CAST(options AS json) IS NOT NULL),
  reasons text NOT NULL DEFAULT '' CHECK (length(reasons) <= 100000),
  confidence double precision NOT NULL CHECK (confidence BETWEEN 0 AND 1),
  review_confidence double precision CHECK (review_confidence BETWEEN 0 AND 1),
  human_involved bigint NOT NULL DEFAULT 0 CHECK (human_involved IN (0, 1)),
  task_id text NOT NULL DEFAULT '' CHECK (length(task_id) <= 200),
  session_id text NOT NULL DEFAULT '' CHECK (length(session_id) <= 200),
  outcome text NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'succeeded', 'failed', 'reverted')),
  outcome_note text NOT NULL DEFAULT '' CHECK (length(outcome_note) <= 10000),
  decided_at_ms bigint NOT NULL,
  resolved_at_ms bigint,
  PRIMARY KEY (organization_id, id),
  CHECK ((outcome = 'open') = (resolved_at_ms IS NULL)),
  FOREIGN KEY (organization_id, agent_id) REFERENCES triune_agents (organization_id, id) ON DELETE CASCADE
);

CREATE INDEX triune_decisions_by_agent ON triune_decisions (organization_id, agent_id, decided_at_ms);

CREATE FUNCTION triune_decisions_before() RETURNS trigger LANGUAGE plpgsql
AS $$ BEGIN
  RAISE EXCEPTION USING ERRCODE = 'integrity_constraint_violation', MESSAGE = 'whose decision it is never changes';
END $$;

CREATE TRIGGER triune_decisions_before BEFORE UPDATE OF organization_id, id, agent_id ON triune_decisions
FOR EACH ROW WHEN (old.organization_id <> new.organization_id OR old.id <> new.id OR old.agent_id <> new.agent_id)
EXECUTE FUNCTION triune_decisions_before();

-- How full a context was, from change to change: the last 1,000 of each.
CREATE TABLE triune_context_history (
  organization_id bigint NOT NULL,
  session_id text NOT NULL,
  number bigint NOT NULL CHECK (number > 0),
  at_ms bigint NOT NULL,
  token_count bigint NOT NULL CHECK (token_count >= 0),
  usage_percent double precision NOT NULL CHECK (usage_percent >= 0),
  PRIMARY KEY (organization_id, session_id, number),
  FOREIGN KEY (organization_id, session_id) REFERENCES triune_context_sessions (organization_id, id) ON DELETE CASCADE
);

CREATE FUNCTION triune_context_sessions_history() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ DECLARE next bigint; BEGIN
  SELECT 1 + coalesce(max(number), 0) INTO next FROM triune_context_history
  WHERE organization_id = new.organization_id AND session_id = new.id;
  INSERT INTO triune_context_history (organization_id, session_id, number, at_ms, token_count, usage_percent)
  VALUES (new.organization_id, new.id, next, new.last_accessed_at_ms, new.token_count,
          CAST(new.token_count AS double precision) * 100 / new.max_tokens);
  DELETE FROM triune_context_history
  WHERE organization_id = new.organization_id AND session_id = new.id AND number <= next - 1000;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_context_sessions_filled AFTER INSERT ON triune_context_sessions
FOR EACH ROW WHEN (new.token_count > 0) EXECUTE FUNCTION triune_context_sessions_history();
CREATE TRIGGER triune_context_sessions_history AFTER UPDATE OF token_count ON triune_context_sessions
FOR EACH ROW WHEN (old.token_count <> new.token_count) EXECUTE FUNCTION triune_context_sessions_history();

-- Who can be given work now, and how much more of it.
CREATE VIEW triune_available_agents WITH (security_invoker = true) AS
SELECT a.organization_id, a.id, a.name, a.agent_type, a.status, a.max_concurrent_tasks,
       a.max_concurrent_tasks - (SELECT count(*) FROM triune_tasks t WHERE t.organization_id = a.organization_id
         AND t.assigned_to = a.id AND t.status IN ('assigned', 'in_progress')) AS free_tasks
FROM triune_agents a
WHERE a.status IN ('idle', 'active', 'degraded') AND NOT EXISTS (
  SELECT 1 FROM triune_agent_absences b WHERE b.organization_id = a.organization_id AND b.agent_id = a.id
    AND b.from_ms <= CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)
    AND (b.until_ms IS NULL OR b.until_ms > CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)));

CREATE VIEW triune_agent_ratings WITH (security_invoker = true) AS
SELECT organization_id, agent_id, feedback_type, count(*) AS ratings, avg(CAST(rating AS double precision)) AS average_rating,
       min(rating) AS lowest, max(rating) AS highest, max(given_at_ms) AS last_at_ms
FROM triune_agent_feedback
GROUP BY organization_id, agent_id, feedback_type;

CREATE VIEW triune_decision_outcomes WITH (security_invoker = true) AS
SELECT organization_id, agent_id, count(*) AS decisions, count(*) FILTER (WHERE outcome = 'open') AS open,
       count(*) FILTER (WHERE outcome = 'succeeded') AS succeeded,
       count(*) FILTER (WHERE outcome = 'failed') AS failed,
       count(*) FILTER (WHERE outcome = 'reverted') AS reverted,
       CAST(sum(human_involved) AS bigint) AS with_humans,
       avg(confidence) AS average_confidence,
       avg(CASE WHEN outcome <> 'open' THEN power(confidence - CAST(outcome = 'succeeded' AS integer), 2) END)
         AS brier_score
FROM triune_decisions
GROUP BY organization_id, agent_id;
