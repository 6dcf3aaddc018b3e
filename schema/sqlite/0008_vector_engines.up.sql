-- The engine that searches a collection's vectors: all processes that have the hive open follow it. While the vectors are
-- on the way to another one, which one that is, and the node that takes them there (empty where there is only one).
-- The names are not listed here: an engine that comes needs no migration.
ALTER TABLE triune_vector_collections ADD COLUMN engine TEXT NOT NULL DEFAULT 'usearch' CHECK (length(engine) BETWEEN 1 AND 64);
ALTER TABLE triune_vector_collections ADD COLUMN moving_to TEXT NOT NULL DEFAULT '' CHECK (length(moving_to) <= 64);
ALTER TABLE triune_vector_collections ADD COLUMN moved_by TEXT NOT NULL DEFAULT '';
