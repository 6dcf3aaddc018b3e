-- The engine that searches a collection's vectors: all processes that have the hive open follow it. While the vectors are
-- on the way to another one, which one that is, and the node that takes them there (empty where there is only one).
-- The names are not listed here: an engine that comes needs no migration.
ALTER TABLE triune_vector_collections ADD COLUMN engine text NOT NULL DEFAULT 'usearch';
ALTER TABLE triune_vector_collections ADD COLUMN moving_to text NOT NULL DEFAULT '';
ALTER TABLE triune_vector_collections ADD COLUMN moved_by text NOT NULL DEFAULT '';

-- The rows that are there have the defaults, so there is nothing to validate.
ALTER TABLE triune_vector_collections ADD CONSTRAINT triune_vector_collections_engine_check
  CHECK (length(engine) BETWEEN 1 AND 64) NOT VALID;
ALTER TABLE triune_vector_collections ADD CONSTRAINT triune_vector_collections_moving_to_check
  CHECK (length(moving_to) <= 64) NOT VALID;
