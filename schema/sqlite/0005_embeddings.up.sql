-- Texts that vectors are made of, by the embedder that their collection names.
ALTER TABLE triune_vector_collections ADD COLUMN embedder TEXT NOT NULL DEFAULT '';

-- The text of a vector, kept so that it can be embedded again. `pending_since_ms` is set while the vector is not made of
-- it yet; the embedder is asked again from `next_attempt_ms` on.
CREATE TABLE triune_vector_texts (
  organization_id INTEGER NOT NULL,
  vector_key INTEGER NOT NULL REFERENCES triune_vectors (vector_key) ON DELETE CASCADE,
  collection_id INTEGER NOT NULL,
  content TEXT NOT NULL CHECK (length(CAST(content AS BLOB)) <= 262144),
  pending_since_ms INTEGER,
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  next_attempt_ms INTEGER,
  last_error TEXT NOT NULL DEFAULT '' CHECK (length(last_error) <= 1000),
  PRIMARY KEY (organization_id, vector_key)
) STRICT, WITHOUT ROWID;

CREATE INDEX triune_vector_texts_by_vector ON triune_vector_texts (vector_key);
CREATE INDEX triune_vector_texts_pending ON triune_vector_texts (organization_id, collection_id, next_attempt_ms)
WHERE pending_since_ms IS NOT NULL;

-- Other programs write with foreign keys off.
CREATE TRIGGER triune_vectors_delete_text AFTER DELETE ON triune_vectors BEGIN
  DELETE FROM triune_vector_texts WHERE organization_id = old.organization_id AND vector_key = old.vector_key;
END;
