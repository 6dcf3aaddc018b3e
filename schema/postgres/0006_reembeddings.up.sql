-- Which version of its model a collection's vectors are made by: those of two are not comparable. Empty: not known.
ALTER TABLE triune_vector_collections ADD COLUMN embedder_version text NOT NULL DEFAULT '';

-- A collection whose vectors are made anew by another model: the collection of the older ones and that of the newer ones,
-- its successor. What is written to the older is written to the newer by the triggers below, whoever writes.
--   filling    the texts there were are copied; all keys up to filled_to are
--   embedding  all are copied; texts become vectors
--   replaced   the successor has the name; who still knows the older one by it writes to both
--   dropped    nobody writes to the older one any more, and it goes
CREATE TABLE triune_reembeddings (
  organization_id bigint NOT NULL,
  collection_id bigint NOT NULL,
  successor_id bigint NOT NULL,
  phase text NOT NULL CHECK (phase IN ('filling', 'embedding', 'replaced', 'dropped')),
  filled_to bigint NOT NULL DEFAULT 0,
  began_at_ms bigint NOT NULL,
  filled_at_ms bigint,
  replaced_at_ms bigint,
  PRIMARY KEY (organization_id, collection_id),
  UNIQUE (organization_id, successor_id)
);

-- Texts anew in the successor: their vectors are to be made. The row in triune_vectors, which a writer holds, keeps it
-- apart from another of the same id.
CREATE FUNCTION triune_reembed(organization bigint, keys bigint[]) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  DELETE FROM triune_vectors s USING triune_vectors v, triune_reembeddings r
  WHERE v.organization_id = organization AND v.vector_key = ANY (keys)
    AND r.organization_id = v.organization_id AND r.collection_id = v.collection_id AND r.phase <> 'dropped'
    AND s.organization_id = v.organization_id AND s.collection_id = r.successor_id AND s.id = v.id;
  INSERT INTO triune_vectors (organization_id, collection_id, id, metadata)
  SELECT v.organization_id, r.successor_id, v.id, v.metadata
  FROM triune_vectors v
  JOIN triune_vector_texts t ON t.organization_id = v.organization_id AND t.vector_key = v.vector_key
  JOIN triune_reembeddings r ON r.organization_id = v.organization_id AND r.collection_id = v.collection_id AND r.phase <> 'dropped'
  WHERE v.organization_id = organization AND v.vector_key = ANY (keys);
  INSERT INTO triune_vector_texts (organization_id, vector_key, collection_id, content, pending_since_ms, next_attempt_ms)
  SELECT s.organization_id, s.vector_key, s.collection_id, t.content,
         CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint), 0
  FROM triune_vectors v
  JOIN triune_vector_texts t ON t.organization_id = v.organization_id AND t.vector_key = v.vector_key
  JOIN triune_reembeddings r ON r.organization_id = v.organization_id AND r.collection_id = v.collection_id AND r.phase <> 'dropped'
  JOIN triune_vectors s ON s.organization_id = v.organization_id AND s.collection_id = r.successor_id AND s.id = v.id
  WHERE v.organization_id = organization AND v.vector_key = ANY (keys);
END $$;

CREATE FUNCTION triune_reembeddings_text_inserted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  PERFORM triune_reembed(n.organization_id, array_agg(n.vector_key))
  FROM new_rows n JOIN triune_reembeddings r ON r.organization_id = n.organization_id AND r.collection_id = n.collection_id AND r.phase <> 'dropped'
  GROUP BY n.organization_id;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_reembeddings_text_insert AFTER INSERT ON triune_vector_texts REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION triune_reembeddings_text_inserted();

CREATE FUNCTION triune_reembeddings_text_updated() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  PERFORM triune_reembed(n.organization_id, array_agg(n.vector_key))
  FROM new_rows n
  JOIN old_rows o ON o.organization_id = n.organization_id AND o.vector_key = n.vector_key AND o.content <> n.content
  JOIN triune_reembeddings r ON r.organization_id = n.organization_id AND r.collection_id = n.collection_id AND r.phase <> 'dropped'
  GROUP BY n.organization_id;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_reembeddings_text_update AFTER UPDATE ON triune_vector_texts
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION triune_reembeddings_text_updated();

-- Values given instead of a text: the successor has nothing to make its vector of.
CREATE FUNCTION triune_reembeddings_text_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  -- A statement that finds no row fires its triggers too.
  IF NOT EXISTS (SELECT 1 FROM old_rows) OR NOT EXISTS (SELECT 1 FROM triune_reembeddings WHERE phase <> 'dropped') THEN
    RETURN NULL;
  END IF;
  DELETE FROM triune_vectors s USING old_rows o, triune_reembeddings r, triune_vectors v
  WHERE r.organization_id = o.organization_id AND r.collection_id = o.collection_id AND r.phase <> 'dropped'
    AND v.organization_id = o.organization_id AND v.vector_key = o.vector_key
    AND s.organization_id = o.organization_id AND s.collection_id = r.successor_id AND s.id = v.id;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_reembeddings_text_delete AFTER DELETE ON triune_vector_texts REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION triune_reembeddings_text_deleted();

CREATE FUNCTION triune_reembeddings_vector_updated() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  -- A statement that finds no row fires its triggers too.
  IF NOT EXISTS (SELECT 1 FROM new_rows) OR NOT EXISTS (SELECT 1 FROM triune_reembeddings WHERE phase <> 'dropped') THEN
    RETURN NULL;
  END IF;
  UPDATE triune_vectors s SET metadata = n.metadata FROM new_rows n, triune_reembeddings r
  WHERE r.organization_id = n.organization_id AND r.collection_id = n.collection_id AND r.phase <> 'dropped'
    AND s.organization_id = n.organization_id AND s.collection_id = r.successor_id AND s.id = n.id
    AND s.metadata <> n.metadata;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_reembeddings_vector_update AFTER UPDATE ON triune_vectors REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION triune_reembeddings_vector_updated();

CREATE FUNCTION triune_reembeddings_vector_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  -- A statement that finds no row fires its triggers too.
  IF NOT EXISTS (SELECT 1 FROM old_rows) OR NOT EXISTS (SELECT 1 FROM triune_reembeddings WHERE phase <> 'dropped') THEN
    RETURN NULL;
  END IF;
  DELETE FROM triune_vectors s USING old_rows o, triune_reembeddings r
  WHERE r.organization_id = o.organization_id AND r.collection_id = o.collection_id AND r.phase <> 'dropped'
    AND s.organization_id = o.organization_id AND s.collection_id = r.successor_id AND s.id = o.id;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_reembeddings_vector_delete AFTER DELETE ON triune_vectors REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION triune_reembeddings_vector_deleted();

-- Whoever did not see the change in a minute must look again.
CREATE FUNCTION triune_reembeddings_inserted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  IF EXISTS (SELECT 1 FROM new_rows n JOIN triune_reembeddings r ON r.organization_id = n.organization_id AND r.collection_id = n.collection_id
             WHERE r.phase = 'dropped') THEN
    RAISE EXCEPTION 'the collection was replaced when its vectors were made anew; try again'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_reembeddings_dropped AFTER INSERT ON triune_vectors REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION triune_reembeddings_inserted();

-- Values without a text would be lost: the successor, which has the name, cannot have them.
CREATE FUNCTION triune_reembeddings_values_written() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT
AS $$ BEGIN
  IF EXISTS (SELECT 1 FROM triune_reembeddings WHERE phase = 'replaced')
     AND EXISTS (SELECT 1 FROM new_rows n
                 JOIN triune_vectors v ON v.organization_id = n.organization_id AND v.vector_key = n.vector_key
                 JOIN triune_reembeddings r ON r.organization_id = v.organization_id AND r.collection_id = v.collection_id AND r.phase = 'replaced'
                 WHERE NOT EXISTS (SELECT 1 FROM triune_vector_texts t
                                   WHERE t.organization_id = n.organization_id AND t.vector_key = n.vector_key)) THEN
    RAISE EXCEPTION 'the collection was replaced when its vectors were made anew; try again'
      USING ERRCODE = 'integrity_constraint_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER triune_reembeddings_values AFTER INSERT ON triune_vector_values REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION triune_reembeddings_values_written();

-- A put of values over a vector that is there is an update.
CREATE TRIGGER triune_reembeddings_values_update AFTER UPDATE ON triune_vector_values REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION triune_reembeddings_values_written();
