// What mappings and text indexes are in PostgreSQL: triggers that see the rows of a whole statement, and the statements
// that fill what they keep. The counterpart of definition_sql.h, which is SQLite's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hive/stored_definition.h"
#include "hive/tables.h"

namespace triune::hive::postgres {

/// A table as the change log sees it.
std::vector<SchemaObject> capture_objects(const TableShape& shape, std::int64_t organization, std::int64_t collection);

/// Numbers of the names a mapping uses.
struct EdgeNumbers {
  std::int64_t organization = 0;
  std::int64_t type = 0;
  std::int64_t from_label = 0;
  std::int64_t to_label = 0;
};

/// `columns` become properties.
DefinitionSql node_sql(std::int64_t organization, std::int64_t label, const NodeMapping& mapping,
                       const std::string& key, const std::vector<std::string>& columns);
DefinitionSql edge_sql(const EdgeNumbers& numbers, const EdgeMapping& mapping, const TableShape& shape);
DefinitionSql text_sql(std::int64_t organization, const TextIndex& index);

/// The words of the columns of a text index, as its index holds them; `prefix` is "" or "t.".
std::string indexed_words(const TextIndex& index, std::string_view prefix);
/// The text of the columns, for showing a passage of it.
std::string indexed_text(const TextIndex& index, std::string_view prefix);

}  // namespace triune::hive::postgres
