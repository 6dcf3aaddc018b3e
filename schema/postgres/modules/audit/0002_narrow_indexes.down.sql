DROP INDEX triune_audit_log_by_record;
DROP INDEX triune_audit_log_by_actor;
CREATE INDEX triune_audit_log_by_record ON triune_audit_log (organization_id, table_name, record_id, entry);
CREATE INDEX triune_audit_log_by_actor ON triune_audit_log (organization_id, actor, at_ms) WHERE actor <> '';
