#include "hive/postgres_objects.h"

#include <fmt/format.h>

#include <array>

#include "base/hash.h"
#include "base/try.h"
#include "model/sql_text.h"

namespace triune::hive::postgres {
namespace {

using model::quote_identifier;
using model::quote_literal;

constexpr std::size_t object_limit = 100'000;
constexpr std::size_t identifier_limit = 63;
constexpr std::size_t kept_of_long_name = 46;

// An object whose table is gone has no table here, and is dropped as one that nobody wants.
constexpr std::string_view select_objects =
    "SELECT o.name, coalesce(t.table_name, i.table_name, ''), o.sql FROM triune_schema_objects o "
    "LEFT JOIN LATERAL (SELECT CAST(c.relname AS text) AS table_name FROM pg_trigger g JOIN pg_class c ON c.oid = "
    "g.tgrelid WHERE CAST(g.tgname AS text) = o.identifier AND c.relnamespace = to_regnamespace(current_schema()) "
    "LIMIT 1) t ON true LEFT JOIN LATERAL (SELECT CAST(c.relname AS text) AS table_name FROM pg_class x "
    "JOIN pg_index n ON n.indexrelid = x.oid JOIN pg_class c ON c.oid = n.indrelid WHERE CAST(x.relname AS text) = "
    "o.identifier AND x.relnamespace = to_regnamespace(current_schema()) LIMIT 1) i ON true ORDER BY o.name";

std::string_view clause_of(Event event) {
  switch (event) {
    case Event::inserted: return "AFTER INSERT ON {} REFERENCING NEW TABLE AS new_rows";
    case Event::updated: return "AFTER UPDATE ON {} REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows";
    case Event::deleted: return "AFTER DELETE ON {} REFERENCING OLD TABLE AS old_rows";
    case Event::truncated: return "BEFORE TRUNCATE ON {}";
  }
  return {};
}

bool is_index(const SchemaObject& object) {
  return object.sql.starts_with("CREATE INDEX");
}

}  // namespace

std::string identifier(std::string_view name) {
  if (name.size() <= identifier_limit) return std::string(name);
  std::size_t kept = kept_of_long_name;
  while ((static_cast<unsigned char>(name[kept]) & 0xC0U) == 0x80U) --kept;  // not within a character
  return fmt::format("{}_{:016x}", name.substr(0, kept), base::hash64(name));
}

SchemaObject statement_trigger(std::string_view name, Event event, std::string_view table, std::string_view body) {
  const auto quoted = quote_identifier(identifier(name));
  const auto clause = fmt::format(fmt::runtime(clause_of(event)), quote_identifier(table));
  // A statement without such rows fires the trigger too, and an upsert fires those of INSERT and of UPDATE.
  const auto guard = event == Event::truncated
                         ? std::string()
                         : fmt::format("IF NOT EXISTS (SELECT 1 FROM {}) THEN RETURN NULL; END IF; ",
                                       event == Event::inserted ? "new_rows" : "old_rows");
  const auto code = fmt::format("BEGIN {}{} RETURN NULL; END", guard, body);
  // Temporary tables come last, or whoever may write to the table could put one in the place of ours.
  const auto pin = fmt::format(
      "BEGIN EXECUTE format('ALTER FUNCTION %s() SET search_path = %I, pg_temp', {}, current_schema()); END",
      quote_literal(quoted));
  return {.name = std::string(name),
          .table = std::string(table),
          .sql = fmt::format("CREATE OR REPLACE FUNCTION {0}() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER "
                             "AS {1}; DO {3}; CREATE TRIGGER {0} {2} FOR EACH STATEMENT EXECUTE FUNCTION {0}()",
                             quoted, quote_literal(code), clause, quote_literal(pin))};
}

SchemaObject index(std::string_view name, std::string_view table, std::string_view method,
                   std::string_view expressions) {
  return {.name = std::string(name),
          .table = std::string(table),
          .sql = fmt::format("CREATE INDEX {} ON {} USING {} ({})", quote_identifier(identifier(name)),
                             quote_identifier(table), method, expressions)};
}

Result<std::vector<SchemaObject>> existing_objects(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const RowSet rows, session.query(select_objects, {}, object_limit));
  std::vector<SchemaObject> objects;
  for (const auto& row : rows.rows)
    objects.push_back({.name = to_text(row[0]), .table = to_text(row[1]), .sql = to_text(row[2])});
  return objects;
}

Status create_object(contract::RelationalSession& session, const SchemaObject& object) {
  TRIUNE_TRY(session.execute_script(object.sql));
  const std::array<Value, 3> parameters{object.name, identifier(object.name), object.sql};
  TRIUNE_TRY(
      session.execute("INSERT INTO triune_schema_objects (name, identifier, sql) VALUES (?1, ?2, ?3) "
                      "ON CONFLICT (name) DO UPDATE SET sql = excluded.sql",
                      parameters));
  return {};
}

Status drop_object(contract::RelationalSession& session, const SchemaObject& object) {
  const auto quoted = quote_identifier(identifier(object.name));
  if (is_index(object)) {
    TRIUNE_TRY(session.execute_script(fmt::format("DROP INDEX IF EXISTS {}", quoted)));
  } else {
    if (!object.table.empty())
      TRIUNE_TRY(session.execute_script(
          fmt::format("DROP TRIGGER IF EXISTS {} ON {}", quoted, quote_identifier(object.table))));
    TRIUNE_TRY(session.execute_script(fmt::format("DROP FUNCTION IF EXISTS {}()", quoted)));
  }
  const std::array<Value, 1> parameters{object.name};
  TRIUNE_TRY(session.execute("DELETE FROM triune_schema_objects WHERE name = ?1", parameters));
  return {};
}

}  // namespace triune::hive::postgres
