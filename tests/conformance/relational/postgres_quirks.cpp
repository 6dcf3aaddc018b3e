// PostgreSQL as the suite sees it.
#include "conformance/relational/suite.h"
#include "support/pgbouncer.h"
#include "support/postgres_server.h"

namespace triune::conformance {
namespace {

const UserStatements user_statements{
    .not_reading = {"INSERT INTO kept VALUES(1)",
                    "UPDATE kept SET id = 2",
                    "DELETE FROM kept",
                    "WITH x AS (SELECT 1) INSERT INTO kept SELECT * FROM x",
                    "WITH x AS (DELETE FROM kept RETURNING id) SELECT * FROM x",
                    "INSERT INTO kept VALUES(1) RETURNING id",
                    "MERGE INTO kept USING kept k ON false WHEN NOT MATCHED THEN INSERT VALUES(1)",
                    "TRUNCATE kept",
                    "DROP TABLE kept",
                    "CREATE TABLE made(id bigint)",
                    "CREATE TEMP TABLE made(id bigint)",
                    "SELECT 1 AS id INTO made",
                    "CREATE VIEW made AS SELECT 1",
                    "CREATE INDEX made ON kept(id)",
                    "ALTER TABLE kept RENAME TO made",
                    "CREATE FUNCTION made() RETURNS int LANGUAGE sql AS 'SELECT 1'",
                    "DO $$ BEGIN DELETE FROM kept; END $$",
                    "CALL made()",
                    "EXECUTE made",
                    "PREPARE made AS DELETE FROM kept",
                    "PREPARE TRANSACTION 'x'",
                    "DECLARE made CURSOR FOR SELECT 1",
                    "FETCH made",
                    "CLOSE made",
                    "COPY kept FROM STDIN",
                    "COPY kept TO '/tmp/made'",
                    "COPY kept TO PROGRAM 'id'",
                    "LOCK TABLE kept",
                    "LISTEN made",
                    "NOTIFY made",
                    "UNLISTEN *",
                    "SET statement_timeout = 0",
                    "SET LOCAL role = 'postgres'",
                    "SET TRANSACTION READ WRITE",
                    "SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE",
                    "RESET ALL",
                    "DISCARD ALL",
                    "VACUUM",
                    "ANALYZE kept",
                    "REINDEX TABLE kept",
                    "CLUSTER kept",
                    "CHECKPOINT",
                    "LOAD 'made'",
                    "GRANT ALL ON kept TO public",
                    "REASSIGN OWNED BY triune TO triune",
                    "SECURITY LABEL ON TABLE kept IS 'x'",
                    "COMMENT ON TABLE kept IS 'x'",
                    "BEGIN",
                    "START TRANSACTION",
                    "COMMIT",
                    "SAVEPOINT x",
                    "ROLLBACK",
                    "SELECT id FROM kept FOR UPDATE",
                    "SELECT id FROM kept FOR NO KEY UPDATE",
                    "SELECT id FROM kept FOR SHARE",
                    "SELECT id FROM kept FOR KEY SHARE",
                    "EXPLAIN DELETE FROM kept",
                    "EXPLAIN ANALYZE DELETE FROM kept",
                    "EXPLAIN (ANALYZE) INSERT INTO kept VALUES(1)"},
    .reading = {"SELECT id FROM kept",
                "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 9) SELECT i FROM n",
                "VALUES(1)", "TABLE kept", "(SELECT 1) UNION (SELECT 2)", "EXPLAIN SELECT * FROM kept",
                "SELECT count(*) FROM kept a JOIN kept b USING(id)", "SHOW server_version",
                "SELECT '{\"a\":1}'::jsonb ->> 'a', '{\"a\":1}'::jsonb ? 'a', upper('x'), round(1.5)",
                "SELECT relname FROM pg_class", "SELECT substring('some' FROM 1 FOR 2)",
                "SELECT current_setting('work_mem')"},
    .dangerous = {"SELECT pg_read_file('/etc/passwd')", "SELECT pg_read_binary_file('/etc/passwd')",
                  "SELECT * FROM pg_ls_dir('/')", "SELECT * FROM pg_stat_file('/')",
                  "SELECT \"pg_read_file\"('/etc/passwd')", "SELECT pg_catalog . pg_read_file /* */ ('/etc/passwd')",
                  "SELECT U&\"pg\\005fread_file\"('/etc/passwd')", "SELECT lo_import('/etc/passwd')",
                  "SELECT lo_export(1, '/tmp/made')", "SELECT set_config('role', 'x', false)",
                  "SELECT pg_terminate_backend(1)", "SELECT pg_advisory_lock(1)", "SELECT pg_notify('a', 'b')",
                  "SELECT query_to_xml('DELETE FROM kept', true, true, '')", "SELECT pg_reload_conf()",
                  "SELECT * FROM dblink('', '')", "SELECT rolpassword FROM pg_authid", "SELECT * FROM pg_shadow",
                  "UPDATE pg_class SET relname = 'x'"},
    .exhausting = {"SELECT repeat('x', 2000000000)", "SELECT lpad('x', 2000000000)"},
    .own_tables = {"UPDATE kept SET name = 'x' WHERE id = 2",
                   "INSERT INTO kept VALUES(2, 'y') ON CONFLICT(id) DO UPDATE SET name = 'by user'",
                   "CREATE TABLE mine(id bigint PRIMARY KEY, kept bigint REFERENCES kept(id) ON UPDATE CASCADE)",
                   "CREATE UNIQUE INDEX mine_kept ON mine(kept)",
                   "CREATE VIEW seen AS SELECT * FROM triune_log",
                   "SELECT * FROM triune_log",
                   "SELECT * FROM seen",
                   "CREATE TRIGGER mine_update BEFORE UPDATE ON mine FOR EACH ROW EXECUTE FUNCTION "
                   "suppress_redundant_updates_trigger()",
                   "INSERT INTO mine VALUES(1, 1)",
                   "ALTER TABLE mine ADD COLUMN extra text",
                   "ALTER TABLE mine RENAME COLUMN extra TO more",
                   "ALTER TABLE mine RENAME TO ours",
                   "COMMENT ON TABLE ours IS 'mine'",
                   "ANALYZE ours",
                   "REINDEX TABLE ours",
                   "CREATE TABLE copied AS SELECT * FROM triune_log",
                   "INSERT INTO copied SELECT * FROM triune_log",
                   "MERGE INTO ours USING kept ON ours.id = kept.id WHEN MATCHED THEN UPDATE SET more = 'x'",
                   "WITH gone AS (DELETE FROM copied RETURNING id) SELECT * FROM gone",
                   "UPDATE kept SET name = 'by user' WHERE id IN (SELECT id FROM triune_log)",
                   "DROP TRIGGER mine_update ON ours",
                   "DROP VIEW seen",
                   "DROP INDEX mine_kept",
                   "DROP TABLE ours"},
    .triunes = {"INSERT INTO triune_log(id) VALUES(7)",
                "UPDATE triune_log SET id = 7",
                "DELETE FROM triune_log",
                "DELETE FROM public.triune_log",
                "DELETE FROM ONLY \"public\" . \"triune_log\"",
                "DELETE FROM \"TRIUNE_LOG\"",
                "DELETE FROM TRIUNE_LOG",
                "DELETE FROM U&\"triune\\005flog\"",
                "MERGE INTO triune_log USING kept ON false WHEN NOT MATCHED THEN INSERT(id) VALUES(7)",
                "WITH x AS (SELECT 7) INSERT INTO triune_log(id) SELECT * FROM x",
                "WITH x AS (DELETE FROM triune_log RETURNING id) SELECT * FROM x",
                "UPDATE triune_log SET id = 7 RETURNING id",
                "UPDATE triune_log SET id = k.id FROM kept k",
                "TRUNCATE triune_log",
                "TRUNCATE kept CASCADE",
                "DROP TABLE triune_log",
                "DROP TABLE kept, triune_log",
                "DROP INDEX triune_by_id",
                "DROP VIEW triune_seen",
                "DROP TRIGGER triune_kept_insert ON kept",
                "DROP TABLE kept CASCADE",
                "ALTER TABLE kept DROP COLUMN name CASCADE",
                "ALTER TABLE kept DISABLE TRIGGER USER",
                "ALTER TABLE kept DISABLE TRIGGER ALL",
                "ALTER TABLE kept ENABLE REPLICA TRIGGER triune_kept_insert",
                "ALTER TABLE kept ENABLE ROW LEVEL SECURITY",
                "ALTER TABLE triune_log RENAME TO mine",
                "ALTER TABLE triune_log ADD COLUMN extra text",
                "ALTER TABLE triune_log DROP COLUMN id",
                "ALTER TABLE kept RENAME TO triune_kept",
                "ALTER TABLE kept RENAME TO \"Triune_kept\"",
                "CREATE TABLE triune_mine(id bigint)",
                "CREATE TABLE IF NOT EXISTS triune_mine(id bigint)",
                "CREATE TABLE mine(id bigint REFERENCES triune_head(id))",
                "CREATE TABLE mine() INHERITS (triune_log)",
                "CREATE VIEW triune_view AS SELECT 1",
                "CREATE INDEX triune_index ON kept(name)",
                "CREATE INDEX mine ON triune_log(id)",
                "CREATE TRIGGER mine AFTER INSERT ON triune_log EXECUTE FUNCTION suppress_redundant_updates_trigger()",
                "CREATE TRIGGER mine AFTER INSERT ON kept FOR EACH ROW EXECUTE FUNCTION triune_kept_insert()",
                "CREATE TEMP TABLE kept(id bigint)",
                "CREATE TABLE pg_temp.kept(id bigint)",
                "CREATE TEMP VIEW kept AS SELECT 1",
                "CREATE RULE mine AS ON INSERT TO kept DO INSTEAD NOTHING",
                "CREATE POLICY mine ON kept",
                "CREATE SCHEMA mine",
                "SELECT 1 AS id INTO mine",
                "COMMENT ON TABLE triune_log IS 'mine'",
                "SELECT triune_kept_insert()",
                "GRANT ALL ON triune_log TO public",
                "SET session_replication_role = replica",
                "SELECT set_config('session_replication_role', 'replica', true)",
                "SET LOCAL search_path = mine",
                "LOCK TABLE triune_log",
                "COPY triune_log FROM STDIN",
                "DO $$ BEGIN DELETE FROM triune_log; END $$",
                "CALL mine()",
                "EXECUTE mine",
                "CREATE ROLE mine",
                "CREATE DATABASE mine",
                "CREATE EXTENSION mine"},
    .refused = {"VACUUM", "CLUSTER", "CHECKPOINT"},
    .sneaky = {"CREATE FUNCTION sneaky() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM triune_log; RETURN "
               "NEW; END $$",
               "CREATE RULE sneaky AS ON UPDATE TO kept DO ALSO DELETE FROM triune_log"},
};

std::vector<std::string> trigger(const std::string& name, const std::string& event, const std::string& table,
                                 const std::string& body) {
  return {
      "CREATE FUNCTION " + name + "() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN " + body + "; RETURN NULL; END $$",
      "CREATE TRIGGER " + name + " " + event + " ON " + table + " FOR EACH ROW EXECUTE FUNCTION " + name + "()"};
}

contract::EngineOptions new_database(const std::filesystem::path& /*directory*/) {
  auto& server = triune::testing::shared_postgres_server();
  return {.url = server.url(server.create_database())};
}

void drop_database(const contract::EngineOptions& options) {
  triune::testing::shared_postgres_server().drop_database(options.url.substr(options.url.rfind('/') + 1));
}

}  // namespace

RelationalQuirks postgres_quirks() {
  const std::string endless = "SELECT max(a * b) FROM generate_series(1, 1000000) a, generate_series(1, 1000000) b";
  return {
      .name = "postgres",
      .engine = "postgres",
      .place = new_database,
      .remove = drop_database,
      .integer_type = "bigint",
      .bytes_type = "bytea",
      .double_type = "double precision",
      .boolean_type = "boolean",
      .json_type = "json",
      .any_type = "text",
      .keeps_nan = true,
      .error_ends_transaction = true,
      .wrong_type = ErrorCode::invalid_argument,
      .constraint_hints = {"Key (id)", "Key (name)", "parent.name", "parent_name_check", "foreign key"},
      .trigger = trigger,
      .endless_query = endless,
      .endless_write = "INSERT INTO numbers(value) " + endless,
      .full_text_create = "CREATE TABLE words(body text)",
      .full_text_insert = "INSERT INTO words(body) VALUES(?1)",
      .full_text_query =
          "SELECT body FROM words WHERE to_tsvector('simple', body) @@ plainto_tsquery('simple', ?1) ORDER BY body",
      .user = user_statements,
  };
}

RelationalQuirks postgres_pooler_quirks() {
  auto quirks = postgres_quirks();
  quirks.name = "postgres_pooler";
  quirks.place = [](const std::filesystem::path& directory) {
    auto options = new_database(directory);
    options.transaction_pooler = true;
    // In front of a server that others run there may be no second way to it.
    if (!triune::testing::shared_postgres_server().external())
      options.url = triune::testing::shared_pgbouncer().url(options.url.substr(options.url.rfind('/') + 1));
    return options;
  };
  return quirks;
}

}  // namespace triune::conformance
