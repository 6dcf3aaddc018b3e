DROP TABLE triune_audit_seals;
DROP TABLE triune_audit_log;
DROP FUNCTION triune_audit_row();
DROP FUNCTION triune_audit_stays();
