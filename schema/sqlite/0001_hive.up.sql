-- The canonical store of a hive (I1, I2). Everything here must work in SQLite 3.40 too, with foreign keys off: other
-- programs write to this file, and the triggers are what captures them.

CREATE TABLE triune_hive (
  key TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE triune_organizations (
  organization_id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE CHECK (length(name) BETWEEN 1 AND 200)
) STRICT;

INSERT INTO triune_organizations (organization_id, name) VALUES (1, 'default');

-- The dictionary of everything that has a name: rows refer to the number.
CREATE TABLE triune_collections (
  collection_id INTEGER PRIMARY KEY,
  organization_id INTEGER NOT NULL REFERENCES triune_organizations (organization_id),
  kind TEXT NOT NULL CHECK (kind IN ('table', 'label', 'type', 'vector')),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  UNIQUE (organization_id, kind, name)
) STRICT;

-- The type of each property of a label or edge type. Types widen (int64 to float64, anything to text), never narrow.
CREATE TABLE triune_properties (
  collection_id INTEGER NOT NULL REFERENCES triune_collections (collection_id),
  name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
  type TEXT NOT NULL CHECK (type IN ('boolean', 'int64', 'float64', 'text')),
  PRIMARY KEY (collection_id, name)
) STRICT, WITHOUT ROWID;

-- Pairs of labels that an edge type has connected.
CREATE TABLE triune_edge_ends (
  type_id INTEGER NOT NULL REFERENCES triune_collections (collection_id),
  from_label_id INTEGER NOT NULL REFERENCES triune_collections (collection_id),
  to_label_id INTEGER NOT NULL REFERENCES triune_collections (collection_id),
  PRIMARY KEY (type_id, from_label_id, to_label_id)
) STRICT, WITHOUT ROWID;

-- The change log: keys, not payloads. Each entry takes the next lsn; a commit's lsn is that of its last entry. 'load'
-- stands for many entities of the collection at once, and its key is NULL.
CREATE TABLE triune_change_log (
  lsn INTEGER PRIMARY KEY,
  organization_id INTEGER NOT NULL,
  collection_id INTEGER NOT NULL,
  key ANY,
  operation TEXT NOT NULL CHECK (operation IN ('put', 'delete', 'load'))
) STRICT;

-- Commits that carried an idempotency key (I11).
CREATE TABLE triune_commits (
  organization_id INTEGER NOT NULL,
  idempotency_key TEXT NOT NULL,
  request_hash TEXT NOT NULL,
  lsn INTEGER NOT NULL,
  changes INTEGER NOT NULL,
  committed_at_ms INTEGER NOT NULL,
  PRIMARY KEY (organization_id, idempotency_key)
) STRICT, WITHOUT ROWID;

-- 1 while a bulk load writes: its rows are logged by one 'load' entry in the same transaction instead of one by one.
CREATE TABLE triune_bulk (
  active INTEGER NOT NULL CHECK (active IN (0, 1))
) STRICT;

INSERT INTO triune_bulk (active) VALUES (0);

CREATE TABLE triune_nodes (
  node_id INTEGER PRIMARY KEY,
  organization_id INTEGER NOT NULL,
  label_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 1024),
  properties TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(properties)),
  UNIQUE (organization_id, label_id, id)
) STRICT;

CREATE TABLE triune_edges (
  organization_id INTEGER NOT NULL,
  type_id INTEGER NOT NULL,
  from_node INTEGER NOT NULL,
  to_node INTEGER NOT NULL,
  properties TEXT NOT NULL DEFAULT '{}' CHECK (properties = '{}' OR json_valid(properties)),
  PRIMARY KEY (organization_id, type_id, from_node, to_node)
) STRICT, WITHOUT ROWID;

-- Traversals against the direction of the edge.
CREATE INDEX triune_edges_by_target ON triune_edges (organization_id, type_id, to_node, from_node);

CREATE TABLE triune_vector_collections (
  collection_id INTEGER PRIMARY KEY REFERENCES triune_collections (collection_id),
  dimension INTEGER NOT NULL CHECK (dimension BETWEEN 1 AND 8192),
  metric TEXT NOT NULL CHECK (metric IN ('cosine', 'l2', 'dot')),
  owner_table TEXT NOT NULL DEFAULT ''
) STRICT;

-- Metadata apart from the values, so that a filter reads dense pages.
CREATE TABLE triune_vectors (
  vector_key INTEGER PRIMARY KEY,
  organization_id INTEGER NOT NULL,
  collection_id INTEGER NOT NULL,
  id TEXT NOT NULL CHECK (length(id) BETWEEN 1 AND 1024),
  metadata TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  UNIQUE (organization_id, collection_id, id)
) STRICT;

CREATE TABLE triune_vector_values (
  vector_key INTEGER PRIMARY KEY REFERENCES triune_vectors (vector_key) ON DELETE CASCADE,
  vector BLOB NOT NULL
) STRICT;

CREATE TABLE triune_blob_references (
  organization_id INTEGER NOT NULL,
  owner TEXT NOT NULL CHECK (length(owner) BETWEEN 1 AND 1024),
  name TEXT NOT NULL CHECK (length(name) <= 1024),
  sha256 TEXT NOT NULL CHECK (length(sha256) = 64),
  size_bytes INTEGER NOT NULL,
  PRIMARY KEY (organization_id, owner, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_blob_references_by_hash ON triune_blob_references (organization_id, sha256);

-- Tables that appear in the graph by themselves, and full-text indexes, with their definitions as JSON.
CREATE TABLE triune_definitions (
  organization_id INTEGER NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('node_mapping', 'edge_mapping', 'text_index')),
  name TEXT NOT NULL,
  table_name TEXT NOT NULL,
  definition TEXT NOT NULL CHECK (json_valid(definition)),
  PRIMARY KEY (organization_id, kind, name)
) STRICT, WITHOUT ROWID;

-- Row numbers of full-text indexes; implicit rowids of users' tables are not stable.
CREATE TABLE triune_text_rows (
  text_row INTEGER PRIMARY KEY,
  organization_id INTEGER NOT NULL,
  index_name TEXT NOT NULL,
  key ANY NOT NULL,
  UNIQUE (organization_id, index_name, key)
) STRICT;

-- Entities that an engine refused; they wait here until they change or are repaired (the rest flows on).
CREATE TABLE triune_set_aside (
  organization_id INTEGER NOT NULL,
  projection TEXT NOT NULL,
  entity TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (organization_id, projection, entity)
) STRICT, WITHOUT ROWID;

-- Capture: nodes.
CREATE TRIGGER triune_nodes_insert AFTER INSERT ON triune_nodes
WHEN (SELECT active FROM triune_bulk) = 0 BEGIN
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  VALUES (new.organization_id, new.label_id, new.id, 'put');
END;

-- Who a node is never changes: its edges would follow in the canonical store and be lost in the projection.
CREATE TRIGGER triune_nodes_identity BEFORE UPDATE OF node_id, organization_id, label_id, id ON triune_nodes
WHEN old.node_id IS NOT new.node_id OR old.id IS NOT new.id OR old.label_id IS NOT new.label_id
  OR old.organization_id IS NOT new.organization_id BEGIN
  SELECT RAISE(ABORT, 'the label and id of a node cannot be changed; delete it and insert another');
END;

CREATE TRIGGER triune_nodes_update AFTER UPDATE ON triune_nodes BEGIN
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  VALUES (new.organization_id, new.label_id, new.id, 'put');
END;

CREATE TRIGGER triune_nodes_delete AFTER DELETE ON triune_nodes BEGIN
  DELETE FROM triune_edges
  WHERE organization_id = old.organization_id AND from_node = old.node_id
    AND type_id IN (SELECT collection_id FROM triune_collections WHERE organization_id = old.organization_id AND kind = 'type');
  DELETE FROM triune_edges
  WHERE organization_id = old.organization_id AND to_node = old.node_id
    AND type_id IN (SELECT collection_id FROM triune_collections WHERE organization_id = old.organization_id AND kind = 'type');
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  VALUES (old.organization_id, old.label_id, old.id, 'delete');
END;

-- An edge has both its ends, whoever writes it.
CREATE TRIGGER triune_edges_ends BEFORE INSERT ON triune_edges
WHEN (SELECT active FROM triune_bulk) = 0
 AND (NOT EXISTS (SELECT 1 FROM triune_nodes WHERE node_id = new.from_node AND organization_id = new.organization_id)
   OR NOT EXISTS (SELECT 1 FROM triune_nodes WHERE node_id = new.to_node AND organization_id = new.organization_id)) BEGIN
  SELECT RAISE(ABORT, 'an end of the edge does not exist; insert the nodes first');
END;

-- Capture: edges, keyed 'from>to' by node number.
CREATE TRIGGER triune_edges_insert AFTER INSERT ON triune_edges
WHEN (SELECT active FROM triune_bulk) = 0 BEGIN
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  VALUES (new.organization_id, new.type_id, new.from_node || '>' || new.to_node, 'put');
END;

CREATE TRIGGER triune_edges_update AFTER UPDATE ON triune_edges BEGIN
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  SELECT old.organization_id, old.type_id, old.from_node || '>' || old.to_node, 'delete'
  WHERE old.from_node IS NOT new.from_node OR old.to_node IS NOT new.to_node OR old.type_id IS NOT new.type_id
     OR old.organization_id IS NOT new.organization_id;
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  VALUES (new.organization_id, new.type_id, new.from_node || '>' || new.to_node, 'put');
END;

CREATE TRIGGER triune_edges_delete AFTER DELETE ON triune_edges BEGIN
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  VALUES (old.organization_id, old.type_id, old.from_node || '>' || old.to_node, 'delete');
END;

-- Capture: vectors. A change of metadata counts too, so that receipts and caches see it.
CREATE TRIGGER triune_vector_values_insert AFTER INSERT ON triune_vector_values
WHEN (SELECT active FROM triune_bulk) = 0 BEGIN
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  SELECT organization_id, collection_id, vector_key, 'put' FROM triune_vectors WHERE vector_key = new.vector_key;
END;

CREATE TRIGGER triune_vector_values_update AFTER UPDATE ON triune_vector_values BEGIN
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  SELECT organization_id, collection_id, vector_key, 'put' FROM triune_vectors WHERE vector_key = new.vector_key;
END;

CREATE TRIGGER triune_vectors_identity BEFORE UPDATE OF vector_key, organization_id, collection_id ON triune_vectors
WHEN old.vector_key IS NOT new.vector_key OR old.collection_id IS NOT new.collection_id
  OR old.organization_id IS NOT new.organization_id BEGIN
  SELECT RAISE(ABORT, 'the collection of a vector cannot be changed; delete it and insert another');
END;

CREATE TRIGGER triune_vectors_update AFTER UPDATE ON triune_vectors BEGIN
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  VALUES (new.organization_id, new.collection_id, new.vector_key, 'put');
END;

CREATE TRIGGER triune_vectors_delete AFTER DELETE ON triune_vectors BEGIN
  DELETE FROM triune_vector_values WHERE vector_key = old.vector_key;
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  VALUES (old.organization_id, old.collection_id, old.vector_key, 'delete');
END;

-- What people read.
CREATE VIEW triune_graph_nodes AS
SELECT o.name AS organization, c.name AS label, n.id, n.properties
FROM triune_nodes n
JOIN triune_collections c ON c.collection_id = n.label_id
JOIN triune_organizations o ON o.organization_id = n.organization_id;

CREATE VIEW triune_graph_edges AS
SELECT o.name AS organization, t.name AS type, fl.name AS from_label, f.id AS from_id, tl.name AS to_label, g.id AS to_id,
       e.properties
FROM triune_edges e
JOIN triune_collections t ON t.collection_id = e.type_id
JOIN triune_nodes f ON f.node_id = e.from_node
JOIN triune_collections fl ON fl.collection_id = f.label_id
JOIN triune_nodes g ON g.node_id = e.to_node
JOIN triune_collections tl ON tl.collection_id = g.label_id
JOIN triune_organizations o ON o.organization_id = e.organization_id;

CREATE VIEW triune_stored_vectors AS
SELECT o.name AS organization, c.name AS collection, v.id, v.metadata
FROM triune_vectors v
JOIN triune_collections c ON c.collection_id = v.collection_id
JOIN triune_organizations o ON o.organization_id = v.organization_id;
