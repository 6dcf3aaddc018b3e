-- Decisions about collections: which engines serve them, why, and on which figures. Each is a revision of the one
-- before; the newest counts. `decision` and `figures` are documents as docs/placement.md has them.
CREATE TABLE triune_placements (
  organization_id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('label', 'type', 'vector', 'text', 'store')),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  revision INTEGER NOT NULL CHECK (revision > 0),
  decided_at_ms INTEGER NOT NULL,
  cause TEXT NOT NULL CHECK (length(cause) BETWEEN 1 AND 200),
  decided_by TEXT NOT NULL CHECK (length(decided_by) <= 400),
  decision TEXT NOT NULL CHECK (json_valid(decision)),
  figures TEXT NOT NULL CHECK (json_valid(figures)),
  PRIMARY KEY (organization_id, kind, name, revision)
) STRICT, WITHOUT ROWID;
