DROP TABLE triune_vector_texts;
ALTER TABLE triune_vector_collections DROP COLUMN embedder;
