-- Whether a label still has edges is asked when it goes; the primary key begins with the type.
CREATE INDEX triune_edge_ends_by_from ON triune_edge_ends (from_label_id);
CREATE INDEX triune_edge_ends_by_to ON triune_edge_ends (to_label_id);
