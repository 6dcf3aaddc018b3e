DROP TABLE triune_placements;
