-- What happened to the rows of modules, by whom and why. Triggers on each audited table write here (they are derived from
-- the table's columns, src/modules/kit/audit_triggers.h), whichever program changes a row.

-- Checks of hot tables are written with OR: SQLite makes a table of each list of three or more, for every row.

-- Who acts in the transaction at work; there is one writer. Empty: a program that did not say.
CREATE TABLE triune_audit_context (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  actor TEXT NOT NULL DEFAULT '',
  actor_type TEXT NOT NULL DEFAULT 'sql' CHECK (actor_type = 'user' OR actor_type = 'agent' OR actor_type = 'system' OR actor_type = 'api'
    OR actor_type = 'migration' OR actor_type = 'sql'),
  reason TEXT NOT NULL DEFAULT '',
  request_id TEXT NOT NULL DEFAULT ''
) STRICT;

INSERT INTO triune_audit_context (one) VALUES (1);

-- `position` is the order in which rows were committed; `before` and `after` hold the columns that differ.
CREATE TABLE triune_audit_log (
  entry INTEGER PRIMARY KEY AUTOINCREMENT,
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  position INTEGER NOT NULL DEFAULT 0,
  at_ms INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)),
  actor TEXT NOT NULL,
  actor_type TEXT NOT NULL CHECK (actor_type = 'user' OR actor_type = 'agent' OR actor_type = 'system' OR actor_type = 'api'
    OR actor_type = 'migration' OR actor_type = 'sql'),
  reason TEXT NOT NULL,
  request_id TEXT NOT NULL,
  table_name TEXT NOT NULL,
  record_id TEXT NOT NULL,
  operation TEXT NOT NULL CHECK (operation = 'insert' OR operation = 'update' OR operation = 'delete'),
  before TEXT,
  after TEXT
) STRICT;

CREATE INDEX triune_audit_log_by_record ON triune_audit_log (organization_id, table_name, record_id, entry);
CREATE INDEX triune_audit_log_by_actor ON triune_audit_log (organization_id, actor, at_ms) WHERE actor <> '';

-- The chain: each seal hashes the one before it and the entries since.
CREATE TABLE triune_audit_seals (
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  seal INTEGER NOT NULL CHECK (seal > 0),
  position INTEGER NOT NULL,
  entries INTEGER NOT NULL CHECK (entries > 0),
  last_entry INTEGER NOT NULL,
  sealed_at_ms INTEGER NOT NULL,
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  PRIMARY KEY (organization_id, seal)
) STRICT, WITHOUT ROWID;

-- What is written stays. (An organization that is erased takes its log along.)
CREATE TRIGGER triune_audit_log_stays BEFORE UPDATE ON triune_audit_log BEGIN
  SELECT RAISE(ABORT, 'an entry of the audit log is never changed');
END;
CREATE TRIGGER triune_audit_log_kept BEFORE DELETE ON triune_audit_log
WHEN EXISTS (SELECT 1 FROM triune_organizations WHERE organization_id = old.organization_id) BEGIN
  SELECT RAISE(ABORT, 'an entry of the audit log is never deleted');
END;
CREATE TRIGGER triune_audit_seals_stay BEFORE UPDATE ON triune_audit_seals BEGIN
  SELECT RAISE(ABORT, 'a seal of the audit log is never changed');
END;
CREATE TRIGGER triune_audit_seals_kept BEFORE DELETE ON triune_audit_seals
WHEN EXISTS (SELECT 1 FROM triune_organizations WHERE organization_id = old.organization_id) BEGIN
  SELECT RAISE(ABORT, 'a seal of the audit log is never deleted');
END;
