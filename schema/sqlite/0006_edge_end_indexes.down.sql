DROP INDEX triune_edge_ends_by_to;
DROP INDEX triune_edge_ends_by_from;
