-- Decisions about collections: which engines serve them, why, and on which figures. Each is a revision of the one
-- before; the newest counts. `decision` and `figures` are documents as docs/placement.md has them.
CREATE TABLE triune_placements (
  organization_id bigint NOT NULL,
  kind text NOT NULL CHECK (kind IN ('label', 'type', 'vector', 'text', 'store')),
  name text NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  revision bigint NOT NULL CHECK (revision > 0),
  decided_at_ms bigint NOT NULL,
  cause text NOT NULL CHECK (length(cause) BETWEEN 1 AND 200),
  decided_by text NOT NULL CHECK (length(decided_by) <= 400),
  decision text NOT NULL CHECK (CAST(decision AS json) IS NOT NULL),
  figures text NOT NULL CHECK (CAST(figures AS json) IS NOT NULL),
  PRIMARY KEY (organization_id, kind, name, revision)
);
