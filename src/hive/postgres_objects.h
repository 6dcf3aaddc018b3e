// Triggers and indexes on users' tables in PostgreSQL.
//
// A trigger there is two things, a function and the trigger that calls it, and names have at most 63 bytes: so what we
// made is recorded in triune_schema_objects, by a name of any length, with the identifier it has in the schema.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hive/schema_objects.h"

namespace triune::hive::postgres {

/// The name of an object in the schema: its own, or one cut short with a hash of it.
std::string identifier(std::string_view name);

/// What a trigger hears of.
enum class Event : std::uint8_t { inserted, updated, deleted, truncated };

/// A trigger after the whole statement (before it for `truncated`), whose `body` (PL/pgSQL statements) reads the rows
/// as `old_rows` and `new_rows`. It runs with its owner's rights, whoever writes.
SchemaObject statement_trigger(std::string_view name, Event event, std::string_view table, std::string_view body);
/// CREATE INDEX NAME ON TABLE USING METHOD (EXPRESSIONS).
SchemaObject index(std::string_view name, std::string_view table, std::string_view method,
                   std::string_view expressions);

Result<std::vector<SchemaObject>> existing_objects(contract::RelationalSession& session);
Status create_object(contract::RelationalSession& session, const SchemaObject& object);
Status drop_object(contract::RelationalSession& session, const SchemaObject& object);

}  // namespace triune::hive::postgres
