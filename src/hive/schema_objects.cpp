#include "hive/schema_objects.h"

#include <fmt/format.h>

#include <map>
#include <set>

#include "base/try.h"
#include "hive/postgres_objects.h"
#include "hive/tables.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using model::quote_identifier;

constexpr std::size_t object_limit = 100'000;

// Triune's own schema has names without a number behind the kind.
constexpr std::string_view select_objects =
    "SELECT name, tbl_name, sql FROM sqlite_master WHERE type IN ('trigger', 'index') "
    "AND (name LIKE 'triune\\_capture\\_%' ESCAPE '\\' OR name GLOB 'triune_node_[0-9]*' "
    "OR name GLOB 'triune_edge_[0-9]*' OR name GLOB 'triune_text_[0-9]*') ORDER BY name";

}  // namespace

SchemaObject trigger(std::string_view name, std::string_view when, std::string_view table, std::string_view body) {
  return {.name = std::string(name),
          .table = std::string(table),
          .sql = fmt::format("CREATE TRIGGER {} {} ON {} BEGIN {} END", quote_identifier(name), when,
                             quote_identifier(table), body)};
}

SchemaObject index(std::string_view name, std::string_view table, std::string_view columns) {
  return {.name = std::string(name),
          .table = std::string(table),
          .sql = fmt::format("CREATE INDEX {} ON {} ({})", quote_identifier(name), quote_identifier(table), columns)};
}

Result<std::vector<SchemaObject>> existing_objects(contract::RelationalSession& session) {
  if (session.dialect() == contract::Dialect::postgres) return postgres::existing_objects(session);
  TRIUNE_ASSIGN(const RowSet rows, session.query(select_objects, {}, object_limit));
  std::vector<SchemaObject> objects;
  for (const auto& row : rows.rows)
    objects.push_back({.name = to_text(row[0]), .table = to_text(row[1]), .sql = to_text(row[2])});
  return objects;
}

Status create_objects(contract::RelationalSession& session, const std::vector<SchemaObject>& objects) {
  const bool postgres = session.dialect() == contract::Dialect::postgres;
  for (const auto& object : objects)
    TRIUNE_TRY(postgres ? postgres::create_object(session, object) : session.execute_script(object.sql));
  return {};
}

Status drop_objects(contract::RelationalSession& session, const std::vector<SchemaObject>& objects) {
  for (const auto& object : objects) {
    if (session.dialect() == contract::Dialect::postgres) {
      TRIUNE_TRY(postgres::drop_object(session, object));
      continue;
    }
    const bool is_index = object.sql.starts_with("CREATE INDEX");
    TRIUNE_TRY(session.execute_script(
        fmt::format("DROP {} {}", is_index ? "INDEX" : "TRIGGER", quote_identifier(object.name))));
  }
  return {};
}

Status reconcile_objects(contract::RelationalSession& session, const std::vector<SchemaObject>& wanted) {
  TRIUNE_ASSIGN(const auto existing, existing_objects(session));
  std::map<std::string, const SchemaObject*> wanted_by_name;
  for (const auto& object : wanted) wanted_by_name.emplace(object.name, &object);
  std::set<std::string> kept;
  std::vector<SchemaObject> stale;
  for (const auto& object : existing) {
    const auto found = wanted_by_name.find(object.name);
    // The text alone does not tell where PostgreSQL has it: a table may have been renamed, or made anew.
    const bool same = found != wanted_by_name.end() && found->second->sql == object.sql &&
                      same_name(session.dialect(), found->second->table, object.table);
    if (same)
      kept.insert(object.name);
    else
      stale.push_back(object);
  }
  std::vector<SchemaObject> missing;
  for (const auto& object : wanted)
    if (!kept.contains(object.name)) missing.push_back(object);
  TRIUNE_TRY(drop_objects(session, stale));
  return create_objects(session, missing);
}

}  // namespace triune::hive
