-- Texts that vectors are made of, by the embedder that their collection names.
ALTER TABLE triune_vector_collections ADD COLUMN embedder text NOT NULL DEFAULT '';

-- The text of a vector, kept so that it can be embedded again. `pending_since_ms` is set while the vector is not made of
-- it yet; the embedder is asked again from `next_attempt_ms` on.
CREATE TABLE triune_vector_texts (
  organization_id bigint NOT NULL,
  vector_key bigint NOT NULL,
  collection_id bigint NOT NULL,
  content text NOT NULL CHECK (octet_length(content) <= 262144),
  pending_since_ms bigint,
  attempts bigint NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  next_attempt_ms bigint,
  last_error text NOT NULL DEFAULT '' CHECK (length(last_error) <= 1000),
  PRIMARY KEY (organization_id, vector_key),
  FOREIGN KEY (organization_id, vector_key) REFERENCES triune_vectors (organization_id, vector_key) ON DELETE CASCADE
);

CREATE INDEX triune_vector_texts_pending ON triune_vector_texts (organization_id, collection_id, next_attempt_ms)
WHERE pending_since_ms IS NOT NULL;
