#include "postgres/schema_rules.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace triune::testing {
namespace {

// What every question can use: the tables and their kinds.
constexpr std::string_view common = R"(WITH
reference_names (name) AS (SELECT unnest(ARRAY[{0}])),
excused (name) AS (SELECT unnest(CAST(ARRAY[{1}] AS text[]))),
tables AS (
  SELECT c.oid, CAST(c.relname AS text) AS name, c.relname IN (SELECT name FROM reference_names) AS is_reference
  FROM pg_class c WHERE c.relnamespace = to_regnamespace('public') AND c.relkind IN ('r', 'p')
    AND c.relname LIKE 'triune\_%'),
organization AS (
  SELECT a.attrelid AS oid, a.attnum FROM pg_attribute a JOIN tables t ON t.oid = a.attrelid
  WHERE a.attname = 'organization_id' AND NOT a.attisdropped AND a.attnotnull AND a.atttypid = 'bigint'::regtype),
functions AS (
  SELECT p.oid, CAST(p.proname AS text) AS name, p.prosrc, p.prosecdef, p.proconfig FROM pg_proc p
  WHERE p.pronamespace = to_regnamespace('public') AND p.proname LIKE 'triune\_%')
)";

// NOLINTBEGIN(cert-err58-cpp)
const std::vector<SchemaRule> rules{
    {"a declared reference table exists", "SELECT name FROM reference_names EXCEPT SELECT name FROM tables",
     "ALTER TABLE triune_leases RENAME TO triune_rents;", "triune_leases"},
    {"a distributed table has organization_id bigint NOT NULL",
     "SELECT t.name FROM tables t LEFT JOIN organization o ON o.oid = t.oid WHERE NOT t.is_reference AND o.oid IS NULL",
     "CREATE TABLE triune_bad (organization_id int NOT NULL, id bigint, PRIMARY KEY (organization_id, id));",
     "triune_bad"},
    {"every table has a primary key",
     "SELECT t.name FROM tables t WHERE NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = t.oid AND "
     "i.indisprimary)",
     "CREATE TABLE triune_bad (organization_id bigint NOT NULL);", "triune_bad"},
    {"keys and unique indexes of a distributed table begin with organization_id",
     "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN tables t ON t.oid = i.indrelid "
     "LEFT JOIN organization o ON o.oid = t.oid AND o.attnum = i.indkey[0] "
     "WHERE NOT t.is_reference AND (i.indisunique OR i.indisexclusion) AND o.oid IS NULL",
     "CREATE TABLE triune_bad (organization_id bigint NOT NULL, id bigint PRIMARY KEY);", "triune_bad_pkey"},
    {"foreign keys lead from distributed to distributed by organization_id first, or to reference tables",
     "SELECT f.conname FROM pg_constraint f JOIN tables t ON t.oid = f.conrelid "
     "LEFT JOIN tables r ON r.oid = f.confrelid LEFT JOIN organization o ON o.oid = t.oid "
     "LEFT JOIN organization p ON p.oid = r.oid WHERE f.contype = 'f' AND r.is_reference IS NOT TRUE AND "
     "(t.is_reference OR o.attnum IS DISTINCT FROM f.conkey[1] OR p.attnum IS DISTINCT FROM f.confkey[1])",
     "ALTER TABLE triune_leases ADD organization_id bigint, ADD node_id bigint, ADD CONSTRAINT triune_bad "
     "FOREIGN KEY (organization_id, node_id) REFERENCES triune_nodes (organization_id, node_id);",
     "triune_bad"},
    {"deleting sets no organization_id to NULL",
     "SELECT f.conname FROM pg_constraint f JOIN tables t ON t.oid = f.conrelid WHERE f.contype = 'f' "
     "AND NOT t.is_reference AND f.confdeltype IN ('n', 'd')",
     "CREATE TABLE triune_bad (organization_id bigint NOT NULL, node_id bigint NOT NULL, "
     "PRIMARY KEY (organization_id, node_id), CONSTRAINT triune_bad_link FOREIGN KEY (organization_id, node_id) "
     "REFERENCES triune_nodes (organization_id, node_id) ON DELETE SET NULL);",
     "triune_bad_link"},
    {"the columns of a foreign key begin an index",
     "SELECT f.conname FROM pg_constraint f JOIN tables t ON t.oid = f.conrelid WHERE f.contype = 'f' "
     "AND f.conname NOT IN (SELECT name FROM excused) AND NOT EXISTS (SELECT FROM pg_index i "
     "WHERE i.indrelid = t.oid AND i.indpred IS NULL "
     "AND (CAST(i.indkey AS int2[]))[0:cardinality(f.conkey) - 1] @> f.conkey)",
     "CREATE TABLE triune_bad (organization_id bigint NOT NULL, id bigint, collection_id bigint CONSTRAINT "
     "triune_bad_link REFERENCES triune_collections (collection_id), PRIMARY KEY (organization_id, id));",
     "triune_bad_link"},
    {"an excuse for a foreign key is needed",
     "SELECT name FROM excused EXCEPT SELECT CAST(conname AS text) FROM pg_constraint WHERE contype = 'f'",
     "ALTER TABLE triune_edge_ends DROP CONSTRAINT triune_edge_ends_to_label_id_fkey;",
     "triune_edge_ends_to_label_id_fkey"},
    {"no column has an enum or a domain",
     "SELECT t.name || '.' || a.attname FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 "
     "JOIN pg_type y ON y.oid = a.atttypid WHERE y.typtype IN ('e', 'd')",
     "CREATE TYPE bad AS ENUM ('a'); ALTER TABLE triune_nodes ADD bad bad;", "triune_nodes.bad"},
    {"no column has json or a time without its zone",
     "SELECT t.name || '.' || a.attname FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 "
     "JOIN pg_type y ON y.oid = a.atttypid WHERE y.typname IN ('json', 'timestamp', 'time', 'timetz')",
     "ALTER TABLE triune_nodes ADD bad timestamp;", "triune_nodes.bad"},
    {"numbers that the server gives are bigint",
     "SELECT t.name || '.' || a.attname FROM tables t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 "
     "LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.atttypid <> 'bigint'::regtype "
     "AND (a.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%')",
     "ALTER TABLE triune_nodes ADD bad serial;", "triune_nodes.bad"},
    {"no table has rules", "SELECT t.name || '.' || r.rulename FROM pg_rewrite r JOIN tables t ON t.oid = r.ev_class",
     "CREATE RULE bad AS ON DELETE TO triune_nodes DO INSTEAD NOTHING;", "triune_nodes.bad"},
    {"no table has partitions of partitions, or children",
     "SELECT i.inhrelid::regclass::text FROM pg_inherits i JOIN tables t ON t.oid = i.inhparent",
     "CREATE TABLE triune_bad () INHERITS (triune_nodes);", "triune_bad"},
    {"views act for who reads them, and nothing is materialized",
     "SELECT CAST(c.relname AS text) FROM pg_class c WHERE c.relnamespace = to_regnamespace('public') "
     "AND c.relname LIKE 'triune\\_%' AND (c.relkind = 'm' OR c.relkind = 'v' "
     "AND coalesce(c.reloptions @> ARRAY['security_invoker=true'], false) IS FALSE)",
     "CREATE VIEW triune_bad AS SELECT * FROM triune_nodes;", "triune_bad"},
    {"a function with its owner's rights looks for names in pg_temp last",
     "SELECT f.name FROM functions f WHERE f.prosecdef AND NOT EXISTS "
     "(SELECT FROM unnest(f.proconfig) s WHERE s LIKE 'search\\_path=%, pg\\_temp')",
     "CREATE FUNCTION triune_bad() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path FROM CURRENT "
     "AS 'SELECT 1';",
     "triune_bad"},
    {"no function updates with values that differ from server to server",
     "SELECT DISTINCT f.name FROM functions f, regexp_matches(f.prosrc, '\\mUPDATE\\M[^;]*', 'gi') AS u, pg_proc v "
     "WHERE v.provolatile = 'v' AND v.proname ~ '^[a-z_0-9]+$' AND u[1] ~* ('\\m' || v.proname || '\\s*\\(')",
     "CREATE FUNCTION triune_bad() RETURNS void LANGUAGE plpgsql AS $$ BEGIN UPDATE triune_nodes SET id = "
     "CAST(gen_random_uuid() AS text); END $$;",
     "triune_bad"},
    {"no function takes advisory locks or listens",
     "SELECT f.name FROM functions f WHERE f.prosrc ~* '\\mpg_(try_)?advisory_|\\mLISTEN\\M'",
     "CREATE FUNCTION triune_bad() RETURNS void LANGUAGE sql AS 'SELECT pg_advisory_lock(1)';", "triune_bad"},
};
// NOLINTEND(cert-err58-cpp)

std::string literals(const std::vector<std::string>& names) {
  return fmt::format("'{}'", fmt::join(names, "', '"));
}

}  // namespace

const std::vector<std::string>& reference_tables() {
  static const std::vector<std::string> names{
      "triune_hive",           "triune_organizations",      "triune_collections",   "triune_properties",
      "triune_edge_ends",      "triune_vector_collections", "triune_cluster_nodes", "triune_leases",
      "triune_schema_objects", "triune_schema_history",     "triune_schema_lease"};
  return names;
}

const std::vector<std::string>& unindexed_foreign_keys() {
  static const std::vector<std::string> names{"triune_edge_ends_from_label_id_fkey",
                                              "triune_edge_ends_to_label_id_fkey"};
  return names;
}

const std::vector<SchemaRule>& schema_rules() {
  return rules;
}

std::string statement_of(const SchemaRule& rule) {
  return fmt::format(
      "{} SELECT coalesce(string_agg(x.breach, ', ' ORDER BY x.breach), '') FROM ({}) AS x (breach)",
      fmt::format(fmt::runtime(common), literals(reference_tables()), literals(unindexed_foreign_keys())),
      rule.question);
}

}  // namespace triune::testing
