-- Narrower: what an entry adds to both is written for every change of every audited row. Neither needs the number of the
-- entry or its time, and records are looked for without their table, too.
-- triune: allow drop-index-not-concurrent a module's migrations are one transaction; who writes waits, this once
DROP INDEX triune_audit_log_by_record;
-- triune: allow drop-index-not-concurrent the same
DROP INDEX triune_audit_log_by_actor;
-- triune: allow index-not-concurrent the same
CREATE INDEX triune_audit_log_by_record ON triune_audit_log (organization_id, record_id);
-- triune: allow index-not-concurrent the same
CREATE INDEX triune_audit_log_by_actor ON triune_audit_log (organization_id, actor) WHERE actor <> '';
