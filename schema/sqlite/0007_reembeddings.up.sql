-- Which version of its model a collection's vectors are made by: those of two are not comparable. Empty: not known.
ALTER TABLE triune_vector_collections ADD COLUMN embedder_version TEXT NOT NULL DEFAULT '';

-- A collection whose vectors are made anew by another model: the collection of the older ones and that of the newer ones,
-- its successor. What is written to the older is written to the newer by the triggers below, whoever writes.
--   filling    the texts there were are copied; all keys up to filled_to are
--   embedding  all are copied; texts become vectors
--   replaced   the successor has the name; who still knows the older one by it writes to both
--   dropped    nobody writes to the older one any more, and it goes
CREATE TABLE triune_reembeddings (
  organization_id INTEGER NOT NULL,
  collection_id INTEGER NOT NULL,
  successor_id INTEGER NOT NULL,
  phase TEXT NOT NULL CHECK (phase IN ('filling', 'embedding', 'replaced', 'dropped')),
  filled_to INTEGER NOT NULL DEFAULT 0,
  began_at_ms INTEGER NOT NULL,
  filled_at_ms INTEGER,
  replaced_at_ms INTEGER,
  PRIMARY KEY (organization_id, collection_id),
  UNIQUE (organization_id, successor_id)
) STRICT, WITHOUT ROWID;

-- A text anew in the successor: its vector is to be made.
CREATE TRIGGER triune_reembeddings_text_insert AFTER INSERT ON triune_vector_texts
WHEN EXISTS (SELECT 1 FROM triune_reembeddings WHERE organization_id = new.organization_id AND collection_id = new.collection_id AND phase <> 'dropped') BEGIN
  DELETE FROM triune_vectors WHERE organization_id = new.organization_id
    AND collection_id = (SELECT successor_id FROM triune_reembeddings WHERE organization_id = new.organization_id AND collection_id = new.collection_id)
    AND id = (SELECT id FROM triune_vectors WHERE vector_key = new.vector_key);
  INSERT INTO triune_vectors (organization_id, collection_id, id, metadata)
  SELECT v.organization_id, r.successor_id, v.id, v.metadata
  FROM triune_reembeddings r, triune_vectors v
  WHERE r.organization_id = new.organization_id AND r.collection_id = new.collection_id AND v.vector_key = new.vector_key;
  INSERT INTO triune_vector_texts (organization_id, vector_key, collection_id, content, pending_since_ms, next_attempt_ms)
  SELECT s.organization_id, s.vector_key, s.collection_id, new.content,
         CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 0
  FROM triune_reembeddings r, triune_vectors v
  JOIN triune_vectors s ON s.organization_id = v.organization_id AND s.collection_id = r.successor_id AND s.id = v.id
  WHERE r.organization_id = new.organization_id AND r.collection_id = new.collection_id AND v.vector_key = new.vector_key;
END;

CREATE TRIGGER triune_reembeddings_text_update AFTER UPDATE OF content ON triune_vector_texts
WHEN new.content IS NOT old.content
  AND EXISTS (SELECT 1 FROM triune_reembeddings WHERE organization_id = new.organization_id AND collection_id = new.collection_id AND phase <> 'dropped') BEGIN
  DELETE FROM triune_vectors WHERE organization_id = new.organization_id
    AND collection_id = (SELECT successor_id FROM triune_reembeddings WHERE organization_id = new.organization_id AND collection_id = new.collection_id)
    AND id = (SELECT id FROM triune_vectors WHERE vector_key = new.vector_key);
  INSERT INTO triune_vectors (organization_id, collection_id, id, metadata)
  SELECT v.organization_id, r.successor_id, v.id, v.metadata
  FROM triune_reembeddings r, triune_vectors v
  WHERE r.organization_id = new.organization_id AND r.collection_id = new.collection_id AND v.vector_key = new.vector_key;
  INSERT INTO triune_vector_texts (organization_id, vector_key, collection_id, content, pending_since_ms, next_attempt_ms)
  SELECT s.organization_id, s.vector_key, s.collection_id, new.content,
         CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER), 0
  FROM triune_reembeddings r, triune_vectors v
  JOIN triune_vectors s ON s.organization_id = v.organization_id AND s.collection_id = r.successor_id AND s.id = v.id
  WHERE r.organization_id = new.organization_id AND r.collection_id = new.collection_id AND v.vector_key = new.vector_key;
END;

-- Values given instead of a text: the successor has nothing to make its vector of.
CREATE TRIGGER triune_reembeddings_text_delete AFTER DELETE ON triune_vector_texts
WHEN EXISTS (SELECT 1 FROM triune_reembeddings WHERE organization_id = old.organization_id AND collection_id = old.collection_id AND phase <> 'dropped') BEGIN
  DELETE FROM triune_vectors WHERE organization_id = old.organization_id
    AND collection_id = (SELECT successor_id FROM triune_reembeddings WHERE organization_id = old.organization_id AND collection_id = old.collection_id)
    AND id = (SELECT id FROM triune_vectors WHERE vector_key = old.vector_key);
END;

CREATE TRIGGER triune_reembeddings_vector_update AFTER UPDATE OF metadata ON triune_vectors
WHEN new.metadata IS NOT old.metadata
  AND EXISTS (SELECT 1 FROM triune_reembeddings WHERE organization_id = new.organization_id AND collection_id = new.collection_id AND phase <> 'dropped') BEGIN
  UPDATE triune_vectors SET metadata = new.metadata WHERE organization_id = new.organization_id
    AND collection_id = (SELECT successor_id FROM triune_reembeddings WHERE organization_id = new.organization_id AND collection_id = new.collection_id)
    AND id = new.id;
END;

CREATE TRIGGER triune_reembeddings_vector_delete AFTER DELETE ON triune_vectors
WHEN EXISTS (SELECT 1 FROM triune_reembeddings WHERE organization_id = old.organization_id AND collection_id = old.collection_id AND phase <> 'dropped') BEGIN
  DELETE FROM triune_vectors WHERE organization_id = old.organization_id
    AND collection_id = (SELECT successor_id FROM triune_reembeddings WHERE organization_id = old.organization_id AND collection_id = old.collection_id)
    AND id = old.id;
END;

-- Whoever did not see the change in a minute must look again.
CREATE TRIGGER triune_reembeddings_dropped BEFORE INSERT ON triune_vectors
WHEN EXISTS (SELECT 1 FROM triune_reembeddings WHERE organization_id = new.organization_id AND collection_id = new.collection_id AND phase = 'dropped') BEGIN
  SELECT RAISE(ABORT, 'the collection was replaced when its vectors were made anew; try again');
END;

-- Values without a text would be lost: the successor, which has the name, cannot have them.
CREATE TRIGGER triune_reembeddings_values BEFORE INSERT ON triune_vector_values
WHEN EXISTS (SELECT 1 FROM triune_vectors v JOIN triune_reembeddings r ON r.organization_id = v.organization_id AND r.collection_id = v.collection_id
             WHERE v.vector_key = new.vector_key AND r.phase = 'replaced')
  AND NOT EXISTS (SELECT 1 FROM triune_vector_texts WHERE vector_key = new.vector_key) BEGIN
  SELECT RAISE(ABORT, 'the collection was replaced when its vectors were made anew; try again');
END;
