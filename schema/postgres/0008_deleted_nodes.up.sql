-- A node takes its edges along. They are looked for by whole prefixes of their indexes, one node and type at a time: where
-- few nodes have most of the edges, the planner would rather read all of them twice for each node that goes.
CREATE OR REPLACE FUNCTION triune_nodes_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path FROM CURRENT SET enable_seqscan = off
AS $$ DECLARE gone record; BEGIN
  FOR gone IN
    SELECT o.organization_id, o.node_id, c.collection_id AS type_id
    FROM old_rows o JOIN triune_collections c ON c.organization_id = o.organization_id AND c.kind = 'type'
    WHERE (SELECT 1 FROM triune_edges e WHERE e.organization_id = o.organization_id AND e.type_id = c.collection_id
             AND e.from_node = o.node_id LIMIT 1) IS NOT NULL
       OR (SELECT 1 FROM triune_edges e WHERE e.organization_id = o.organization_id AND e.type_id = c.collection_id
             AND e.to_node = o.node_id LIMIT 1) IS NOT NULL
  LOOP
    DELETE FROM triune_edges e
    WHERE e.organization_id = gone.organization_id AND e.type_id = gone.type_id AND e.from_node = gone.node_id;
    DELETE FROM triune_edges e
    WHERE e.organization_id = gone.organization_id AND e.type_id = gone.type_id AND e.to_node = gone.node_id;
  END LOOP;
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  SELECT o.organization_id, o.label_id, o.id, 'delete' FROM old_rows o;
  RETURN NULL;
END $$;
