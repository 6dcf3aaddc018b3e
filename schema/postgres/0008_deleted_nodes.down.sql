CREATE OR REPLACE FUNCTION triune_nodes_deleted() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$ BEGIN
  DELETE FROM triune_edges e USING old_rows o, triune_collections c
  WHERE c.organization_id = o.organization_id AND c.kind = 'type'
    AND e.organization_id = o.organization_id AND e.type_id = c.collection_id AND e.from_node = o.node_id;
  DELETE FROM triune_edges e USING old_rows o, triune_collections c
  WHERE c.organization_id = o.organization_id AND c.kind = 'type'
    AND e.organization_id = o.organization_id AND e.type_id = c.collection_id AND e.to_node = o.node_id;
  INSERT INTO triune_change_log (organization_id, collection_id, key, operation)
  SELECT o.organization_id, o.label_id, o.id, 'delete' FROM old_rows o;
  RETURN NULL;
END $$;
