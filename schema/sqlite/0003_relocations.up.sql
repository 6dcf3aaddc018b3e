-- Migrations of databases of other programs: which plan was applied, how far it is, and who approved it. A step commits
-- together with what it wrote, so that a migration that was killed goes on where it was.
CREATE TABLE triune_relocations (
  organization_id INTEGER NOT NULL,
  relocation_id INTEGER PRIMARY KEY,
  source TEXT NOT NULL,
  snapshot TEXT NOT NULL,
  plan TEXT NOT NULL CHECK (json_valid(plan)),
  plan_hash TEXT NOT NULL CHECK (length(plan_hash) = 64),
  approved_by TEXT NOT NULL CHECK (length(approved_by) BETWEEN 1 AND 200),
  state TEXT NOT NULL CHECK (state IN ('running', 'finished', 'rolled back')),
  started_at_ms INTEGER NOT NULL,
  ended_at_ms INTEGER
) STRICT;

-- An item is a table, a mapping, a collection or an index of the plan; the position is the last key done, as JSON.
CREATE TABLE triune_relocation_steps (
  organization_id INTEGER NOT NULL,
  relocation_id INTEGER NOT NULL,
  phase TEXT NOT NULL,
  item TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'done')),
  position TEXT NOT NULL,
  entities INTEGER NOT NULL,
  digest TEXT NOT NULL,
  updated_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, relocation_id, phase, item)
) STRICT, WITHOUT ROWID;

-- Entries are added and never changed.
CREATE TABLE triune_relocation_audit (
  organization_id INTEGER NOT NULL,
  relocation_id INTEGER NOT NULL,
  entry INTEGER PRIMARY KEY,
  at_ms INTEGER NOT NULL,
  actor TEXT NOT NULL,
  event TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT;
