-- Narrower: what an entry adds to both is written for every change of every audited row. Neither needs the number of the
-- entry or its time, and records are looked for without their table, too.
DROP INDEX triune_audit_log_by_record;
DROP INDEX triune_audit_log_by_actor;
CREATE INDEX triune_audit_log_by_record ON triune_audit_log (organization_id, record_id);
CREATE INDEX triune_audit_log_by_actor ON triune_audit_log (organization_id, actor) WHERE actor <> '';
