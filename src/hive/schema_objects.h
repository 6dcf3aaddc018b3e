// The triggers and indexes that the hive keeps on users' tables, as text that can be compared with what is there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"

namespace triune::hive {

/// One trigger or index.
struct SchemaObject {
  std::string name;
  std::string table;  ///< It is on this table; empty for one that went with its table and is only recorded.
  std::string sql;    ///< Its CREATE statement, as the schema keeps it.
};

/// CREATE TRIGGER NAME WHEN ON TABLE BEGIN BODY END.
SchemaObject trigger(std::string_view name, std::string_view when, std::string_view table, std::string_view body);
/// CREATE INDEX NAME ON TABLE (COLUMNS).
SchemaObject index(std::string_view name, std::string_view table, std::string_view columns);

/// Everything of ours on users' tables, and on Triune's own for their sake.
Result<std::vector<SchemaObject>> existing_objects(contract::RelationalSession& session);

Status create_objects(contract::RelationalSession& session, const std::vector<SchemaObject>& objects);
/// Drops what exists and is not wanted, or differs; creates what is missing.
Status reconcile_objects(contract::RelationalSession& session, const std::vector<SchemaObject>& wanted);
/// Drops those named, which must exist.
Status drop_objects(contract::RelationalSession& session, const std::vector<SchemaObject>& objects);

}  // namespace triune::hive
