-- Which engine searches a collection is no longer recorded: all are made anew for the one there was before.
ALTER TABLE triune_vector_collections DROP COLUMN moved_by;
ALTER TABLE triune_vector_collections DROP COLUMN moving_to;
ALTER TABLE triune_vector_collections DROP COLUMN engine;
