DROP TABLE triune_relocation_audit;
DROP TABLE triune_relocation_steps;
DROP TABLE triune_relocations;
