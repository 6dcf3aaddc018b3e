-- Events: what happened, told once. Times are milliseconds since 1970; documents are JSON. An event's id is a UUIDv7 whose
-- time is that of the event, so the key is the order of time and a month is one range of it.

CREATE TABLE triune_event_sources (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  source_id INTEGER NOT NULL CHECK (source_id > 0),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  source_type TEXT NOT NULL DEFAULT 'custom' CHECK (length(source_type) BETWEEN 1 AND 100),
  description TEXT NOT NULL DEFAULT '',
  configuration TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(configuration)),
  active INTEGER NOT NULL DEFAULT 1 CHECK (active IN (0, 1)),
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, source_id),
  UNIQUE (organization_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE triune_event_types (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  type_id INTEGER NOT NULL CHECK (type_id > 0),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  category TEXT NOT NULL DEFAULT '',
  description TEXT NOT NULL DEFAULT '',
  payload_schema TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(payload_schema)),
  created_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, type_id),
  UNIQUE (organization_id, name)
) STRICT, WITHOUT ROWID;

-- Months that take events, of all organizations. Here a month is a range of the key of triune_events.
CREATE TABLE triune_event_months (
  month TEXT NOT NULL PRIMARY KEY CHECK (length(month) = 7),
  from_ms INTEGER NOT NULL UNIQUE,
  until_ms INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'leaving')),
  CHECK (until_ms > from_ms)
) STRICT, WITHOUT ROWID;

-- status: 0 received, 1 processing, 2 processed, 3 failed, 4 ignored, 5 archived. severity: 0 debug, 1 info, 2 warning,
-- 3 error, 4 critical. There is no other index: what a chain needs is in triune_event_chains, what tells duplicates in
-- triune_event_keys, what is counted in triune_event_counts.
CREATE TABLE triune_events (
  organization_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) = 36),
  source_id INTEGER NOT NULL,
  type_id INTEGER NOT NULL,
  occurred_at_ms INTEGER NOT NULL,
  received_at_ms INTEGER NOT NULL,
  status INTEGER NOT NULL DEFAULT 0 CHECK (status BETWEEN 0 AND 5),
  severity INTEGER NOT NULL DEFAULT 1 CHECK (severity BETWEEN 0 AND 4),
  processed_at_ms INTEGER,
  subtype TEXT,
  title TEXT,
  actor TEXT,
  target TEXT,
  correlation_id TEXT,
  cause_id TEXT CHECK (cause_id <> id),
  external_id TEXT,
  fingerprint TEXT,
  data TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(data)),
  PRIMARY KEY (organization_id, id),
  CHECK (substr(id, 1, 8) || substr(id, 10, 4) = printf('%012x', occurred_at_ms))
) STRICT, WITHOUT ROWID;

-- One event of a source has a key: its external id, or else its fingerprint.
CREATE TABLE triune_event_keys (
  organization_id INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  dedup_key TEXT NOT NULL CHECK (length(dedup_key) BETWEEN 1 AND 400),
  event_id TEXT NOT NULL,
  PRIMARY KEY (organization_id, source_id, dedup_key)
) STRICT, WITHOUT ROWID;

-- Events that take part in a chain: those with a cause or a correlation, and their causes. These are nodes of the graph.
CREATE TABLE triune_event_chains (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL,
  event_type TEXT NOT NULL,
  source TEXT NOT NULL,
  occurred_at_ms INTEGER NOT NULL,
  correlation_id TEXT,
  cause_id TEXT,
  correlates_with TEXT,
  PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_event_chains_by_correlation ON triune_event_chains (organization_id, correlation_id, id)
WHERE correlation_id IS NOT NULL;
CREATE INDEX triune_event_chains_by_cause ON triune_event_chains (organization_id, cause_id, id) WHERE cause_id IS NOT NULL;
CREATE INDEX triune_event_chains_by_hub ON triune_event_chains (organization_id, correlates_with, id)
WHERE correlates_with IS NOT NULL;

-- How many events an hour and a day brought. The sum over shards counts: transactions that run side by side write
-- different ones.
CREATE TABLE triune_event_counts (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  period_ms INTEGER NOT NULL CHECK (period_ms IN (3600000, 86400000)),
  start_ms INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  type_id INTEGER NOT NULL,
  shard INTEGER NOT NULL DEFAULT 0,
  events INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  processed INTEGER NOT NULL DEFAULT 0,
  failed INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (organization_id, period_ms, start_ms, source_id, type_id, shard),
  CHECK (start_ms % period_ms = 0)
) STRICT, WITHOUT ROWID;

-- Who acted on a day.
CREATE TABLE triune_event_actors (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  day_ms INTEGER NOT NULL,
  source_id INTEGER NOT NULL,
  actor TEXT NOT NULL,
  PRIMARY KEY (organization_id, day_ms, source_id, actor),
  CHECK (day_ms % 86400000 = 0)
) STRICT, WITHOUT ROWID;

-- Lists are JSON arrays; an empty one matches all. `conditions` are top-level members of the data and their values. The
-- deliveries of one that processes carry the status of their events.
CREATE TABLE triune_event_subscriptions (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 200),
  name TEXT NOT NULL CHECK (length(trim(name)) BETWEEN 1 AND 200),
  state TEXT NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'disabled')),
  processes INTEGER NOT NULL DEFAULT 0 CHECK (processes IN (0, 1)),
  sources TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(sources)),
  types TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(types)),
  subtypes TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(subtypes)),
  actors TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(actors)),
  targets TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(targets)),
  conditions TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(conditions)),
  min_severity INTEGER NOT NULL DEFAULT 0 CHECK (min_severity BETWEEN 0 AND 4),
  priority INTEGER NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
  max_attempts INTEGER NOT NULL DEFAULT 5 CHECK (max_attempts > 0),
  backoff_ms INTEGER NOT NULL DEFAULT 1000 CHECK (backoff_ms >= 0),
  longest_backoff_ms INTEGER NOT NULL DEFAULT 3600000 CHECK (longest_backoff_ms >= 0),
  lease_ms INTEGER NOT NULL DEFAULT 60000 CHECK (lease_ms > 0),
  configuration TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(configuration)),
  created_at_ms INTEGER NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id),
  UNIQUE (organization_id, name)
) STRICT, WITHOUT ROWID;

-- `claim` grows with each claim: whoever holds an older one has lost the delivery.
CREATE TABLE triune_event_deliveries (
  organization_id INTEGER NOT NULL,
  subscription_id TEXT NOT NULL,
  event_id TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'claimed', 'delivered', 'dead')),
  priority INTEGER NOT NULL DEFAULT 5 CHECK (priority BETWEEN 1 AND 10),
  due_at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  claim INTEGER NOT NULL DEFAULT 0 CHECK (claim >= 0),
  worker TEXT NOT NULL DEFAULT '' CHECK (length(worker) <= 200),
  lease_until_ms INTEGER,
  last_error TEXT NOT NULL DEFAULT '',
  response TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(response)),
  created_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER,
  PRIMARY KEY (organization_id, subscription_id, event_id),
  CHECK ((state = 'claimed') = (lease_until_ms IS NOT NULL)),
  CHECK ((state IN ('delivered', 'dead')) = (ended_at_ms IS NOT NULL)),
  FOREIGN KEY (organization_id, subscription_id) REFERENCES triune_event_subscriptions (organization_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_event_deliveries_waiting ON triune_event_deliveries
  (organization_id, subscription_id, priority DESC, due_at_ms, event_id) WHERE state = 'waiting';
CREATE INDEX triune_event_deliveries_claimed ON triune_event_deliveries
  (organization_id, subscription_id, lease_until_ms) WHERE state = 'claimed';

-- Each run that let go of months.
CREATE TABLE triune_event_retentions (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  id TEXT NOT NULL,
  ran_at_ms INTEGER NOT NULL,
  before_ms INTEGER NOT NULL,
  months TEXT NOT NULL CHECK (json_valid(months)),
  events INTEGER NOT NULL CHECK (events >= 0),
  PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;

-- Who writes events in the transaction at work: 0 any program, 1 the module, which does by the batch what the triggers do
-- by the row, 2 a retention, which is audited as one.
CREATE TABLE triune_event_writer (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  mode INTEGER NOT NULL DEFAULT 0 CHECK (mode BETWEEN 0 AND 2)
) STRICT;

INSERT INTO triune_event_writer (one) VALUES (1);

CREATE VIEW triune_event_matches AS
SELECT e.organization_id, e.id AS event_id, s.id AS subscription_id, s.priority, e.received_at_ms
FROM triune_events e
JOIN triune_event_sources src ON src.organization_id = e.organization_id AND src.source_id = e.source_id
JOIN triune_event_types typ ON typ.organization_id = e.organization_id AND typ.type_id = e.type_id
JOIN triune_event_subscriptions s ON s.organization_id = e.organization_id
WHERE s.state = 'active' AND e.severity >= s.min_severity
  AND (s.sources = '[]' OR src.name IN (SELECT value FROM json_each(s.sources)))
  AND (s.types = '[]' OR typ.name IN (SELECT value FROM json_each(s.types)))
  AND (s.subtypes = '[]' OR e.subtype IN (SELECT value FROM json_each(s.subtypes)))
  AND (s.actors = '[]' OR e.actor IN (SELECT value FROM json_each(s.actors)))
  AND (s.targets = '[]' OR e.target IN (SELECT value FROM json_each(s.targets)))
  AND (s.conditions = '{}' OR NOT EXISTS (
    SELECT 1 FROM json_each(s.conditions) c
    WHERE NOT EXISTS (SELECT 1 FROM json_each(e.data) d WHERE d.key = c.key AND d.value = c.value)));

CREATE TRIGGER triune_events_arrived AFTER INSERT ON triune_events
WHEN (SELECT mode FROM triune_event_writer WHERE one = 1) = 0 BEGIN
  SELECT RAISE(ABORT, 'the source of an event is a row of triune_event_sources that is active') WHERE NOT EXISTS (
    SELECT 1 FROM triune_event_sources
    WHERE organization_id = new.organization_id AND source_id = new.source_id AND active = 1);
  SELECT RAISE(ABORT, 'the type of an event is a row of triune_event_types') WHERE NOT EXISTS (
    SELECT 1 FROM triune_event_types WHERE organization_id = new.organization_id AND type_id = new.type_id);
  SELECT RAISE(ABORT, 'an event occurs at most an hour ahead')
  WHERE new.occurred_at_ms > CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) + 3600000;
  SELECT RAISE(ABORT, 'there is no open month in triune_event_months for this event') WHERE NOT EXISTS (
    SELECT 1 FROM triune_event_months
    WHERE from_ms <= new.occurred_at_ms AND until_ms > new.occurred_at_ms AND state = 'open');
  INSERT INTO triune_event_keys (organization_id, source_id, dedup_key, event_id)
  SELECT new.organization_id, new.source_id, coalesce(new.external_id, new.fingerprint), new.id
  WHERE coalesce(new.external_id, new.fingerprint) IS NOT NULL;
  UPDATE triune_event_counts SET events = events + 1
  WHERE organization_id = new.organization_id AND source_id = new.source_id AND type_id = new.type_id AND shard = 0
    AND ((period_ms = 3600000 AND start_ms = new.occurred_at_ms / 3600000 * 3600000)
      OR (period_ms = 86400000 AND start_ms = new.occurred_at_ms / 86400000 * 86400000));
  INSERT INTO triune_event_counts (organization_id, period_ms, start_ms, source_id, type_id, events)
  SELECT new.organization_id, p.column1, new.occurred_at_ms / p.column1 * p.column1, new.source_id, new.type_id, 1
  FROM (VALUES (3600000), (86400000)) p WHERE NOT EXISTS (
    SELECT 1 FROM triune_event_counts c
    WHERE c.organization_id = new.organization_id AND c.period_ms = p.column1
      AND c.start_ms = new.occurred_at_ms / p.column1 * p.column1 AND c.source_id = new.source_id
      AND c.type_id = new.type_id AND c.shard = 0);
  INSERT INTO triune_event_actors (organization_id, day_ms, source_id, actor)
  SELECT new.organization_id, new.occurred_at_ms / 86400000 * 86400000, new.source_id, new.actor
  WHERE new.actor IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM triune_event_actors
    WHERE organization_id = new.organization_id AND day_ms = new.occurred_at_ms / 86400000 * 86400000
      AND source_id = new.source_id AND actor = new.actor);
  INSERT INTO triune_event_deliveries (organization_id, subscription_id, event_id, priority, due_at_ms, created_at_ms)
  SELECT organization_id, subscription_id, event_id, priority, received_at_ms, received_at_ms
  FROM triune_event_matches WHERE organization_id = new.organization_id AND event_id = new.id;
END;

CREATE TRIGGER triune_events_chained AFTER INSERT ON triune_events
WHEN new.cause_id IS NOT NULL OR new.correlation_id IS NOT NULL BEGIN
  SELECT RAISE(ABORT, 'the cause of an event is an event that is there before it') WHERE new.cause_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM triune_events WHERE organization_id = new.organization_id AND id = new.cause_id);
  INSERT INTO triune_event_chains (organization_id, id, event_type, source, occurred_at_ms, correlation_id)
  SELECT e.organization_id, e.id, t.name, s.name, e.occurred_at_ms, e.correlation_id
  FROM triune_events e
  JOIN triune_event_types t ON t.organization_id = e.organization_id AND t.type_id = e.type_id
  JOIN triune_event_sources s ON s.organization_id = e.organization_id AND s.source_id = e.source_id
  WHERE e.organization_id = new.organization_id AND e.id = new.cause_id AND NOT EXISTS (
    SELECT 1 FROM triune_event_chains c WHERE c.organization_id = new.organization_id AND c.id = new.cause_id);
  INSERT INTO triune_event_chains (organization_id, id, event_type, source, occurred_at_ms, correlation_id, cause_id,
                                   correlates_with)
  SELECT new.organization_id, new.id, t.name, s.name, new.occurred_at_ms, new.correlation_id, new.cause_id,
    (SELECT min(c.id) FROM triune_event_chains c
     WHERE c.organization_id = new.organization_id AND c.correlation_id = new.correlation_id)
  FROM triune_event_types t, triune_event_sources s
  WHERE t.organization_id = new.organization_id AND t.type_id = new.type_id
    AND s.organization_id = new.organization_id AND s.source_id = new.source_id;
END;

CREATE TRIGGER triune_events_stay BEFORE UPDATE OF organization_id, id, source_id, type_id, occurred_at_ms, received_at_ms,
  severity, subtype, title, actor, target, correlation_id, cause_id, external_id, fingerprint, data ON triune_events BEGIN
  SELECT RAISE(ABORT, 'an event is a fact: nothing of it but its status and when it was processed changes');
END;

CREATE TRIGGER triune_events_status AFTER UPDATE OF status ON triune_events
WHEN old.status <> new.status AND (old.status IN (2, 3) OR new.status IN (2, 3)) BEGIN
  UPDATE triune_event_counts
  SET processed = processed + (new.status = 2) - (old.status = 2), failed = failed + (new.status = 3) - (old.status = 3)
  WHERE organization_id = new.organization_id AND source_id = new.source_id AND type_id = new.type_id AND shard = 0
    AND ((period_ms = 3600000 AND start_ms = new.occurred_at_ms / 3600000 * 3600000)
      OR (period_ms = 86400000 AND start_ms = new.occurred_at_ms / 86400000 * 86400000));
END;

-- What was counted stays counted.
CREATE TRIGGER triune_events_gone AFTER DELETE ON triune_events BEGIN
  DELETE FROM triune_event_keys
  WHERE organization_id = old.organization_id AND source_id = old.source_id
    AND dedup_key = coalesce(old.external_id, old.fingerprint) AND event_id = old.id;
  DELETE FROM triune_event_chains WHERE organization_id = old.organization_id AND id = old.id;
  DELETE FROM triune_event_deliveries
  WHERE organization_id = old.organization_id AND event_id = old.id AND subscription_id IN (
    SELECT id FROM triune_event_subscriptions WHERE organization_id = old.organization_id);
END;

CREATE TRIGGER triune_event_sources_kept BEFORE DELETE ON triune_event_sources
WHEN EXISTS (SELECT 1 FROM triune_event_counts WHERE organization_id = old.organization_id AND source_id = old.source_id) BEGIN
  SELECT RAISE(ABORT, 'a source that has told of events stays; set active = 0 to close it');
END;
CREATE TRIGGER triune_event_sources_identity BEFORE UPDATE OF organization_id, source_id ON triune_event_sources BEGIN
  SELECT RAISE(ABORT, 'the number of a source never changes');
END;
CREATE TRIGGER triune_event_types_kept BEFORE DELETE ON triune_event_types
WHEN EXISTS (SELECT 1 FROM triune_event_counts WHERE organization_id = old.organization_id AND type_id = old.type_id) BEGIN
  SELECT RAISE(ABORT, 'a type that events have had stays');
END;
CREATE TRIGGER triune_event_types_identity BEFORE UPDATE OF organization_id, type_id, name ON triune_event_types BEGIN
  SELECT RAISE(ABORT, 'the number and the name of a type never change');
END;

CREATE TRIGGER triune_event_deliveries_status AFTER UPDATE OF state ON triune_event_deliveries
WHEN old.state <> new.state AND (SELECT processes FROM triune_event_subscriptions
  WHERE organization_id = new.organization_id AND id = new.subscription_id) = 1 BEGIN
  UPDATE triune_events
  SET status = CASE new.state WHEN 'claimed' THEN 1 WHEN 'delivered' THEN 2 WHEN 'dead' THEN 3 ELSE 0 END,
      processed_at_ms = CASE new.state WHEN 'delivered' THEN new.ended_at_ms END
  WHERE organization_id = new.organization_id AND id = new.event_id;
END;

CREATE VIEW triune_event_list AS
SELECT e.organization_id, e.id, s.name AS source, t.name AS event_type, e.subtype, e.occurred_at_ms, e.received_at_ms,
  CASE e.status WHEN 0 THEN 'received' WHEN 1 THEN 'processing' WHEN 2 THEN 'processed' WHEN 3 THEN 'failed'
    WHEN 4 THEN 'ignored' ELSE 'archived' END AS status,
  CASE e.severity WHEN 0 THEN 'debug' WHEN 1 THEN 'info' WHEN 2 THEN 'warning' WHEN 3 THEN 'error' ELSE 'critical' END
    AS severity,
  e.title, e.actor, e.target, e.correlation_id, e.cause_id, e.external_id, e.fingerprint, e.processed_at_ms, e.data
FROM triune_events e
JOIN triune_event_sources s ON s.organization_id = e.organization_id AND s.source_id = e.source_id
JOIN triune_event_types t ON t.organization_id = e.organization_id AND t.type_id = e.type_id;

-- The last 24 hours.
CREATE VIEW triune_recent_events AS
SELECT l.* FROM triune_event_list l
WHERE l.id >= substr(printf('%012x', unixepoch('now') * 1000 - 86400000), 1, 8) || '-'
  || substr(printf('%012x', unixepoch('now') * 1000 - 86400000), 9, 4);

CREATE VIEW triune_event_source_health AS
SELECT s.organization_id, s.name AS source, s.source_type, s.active, coalesce(sum(c.events), 0) AS events_24h,
  coalesce(sum(c.duplicates), 0) AS duplicates_24h, coalesce(sum(c.processed), 0) AS processed_24h,
  coalesce(sum(c.failed), 0) AS failed_24h, max(c.start_ms) AS last_hour_ms
FROM triune_event_sources s
LEFT JOIN triune_event_counts c ON c.organization_id = s.organization_id AND c.source_id = s.source_id
  AND c.period_ms = 3600000 AND c.start_ms > unixepoch('now') * 1000 - 86400000
GROUP BY s.organization_id, s.source_id, s.name, s.source_type, s.active;

CREATE VIEW triune_event_days AS
SELECT c.organization_id, c.start_ms AS day_ms, s.name AS source, t.name AS event_type, sum(c.events) AS events,
  sum(c.duplicates) AS duplicates, sum(c.processed) AS processed, sum(c.failed) AS failed
FROM triune_event_counts c
JOIN triune_event_sources s ON s.organization_id = c.organization_id AND s.source_id = c.source_id
JOIN triune_event_types t ON t.organization_id = c.organization_id AND t.type_id = c.type_id
WHERE c.period_ms = 86400000
GROUP BY c.organization_id, c.start_ms, s.name, t.name;
