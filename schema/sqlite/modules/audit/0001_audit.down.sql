DROP TABLE triune_audit_seals;
DROP TABLE triune_audit_log;
DROP TABLE triune_audit_context;
