// Mappings and text indexes as they are recorded, and what they are made of.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "contract/relational_store.h"
#include "hive/schema_objects.h"
#include "hive/tables.h"
#include "projection/catalog.h"
#include "triune/schema.h"

namespace triune::hive {

/// A definition on a table of users.
struct StoredDefinition {
  std::int64_t organization_id = 0;
  std::variant<NodeMapping, EdgeMapping, TextIndex> what;

  [[nodiscard]] std::string_view kind() const;             ///< "node_mapping", "edge_mapping", "text_index"
  [[nodiscard]] const std::string& name() const;           ///< Label, type or name of the index.
  [[nodiscard]] const std::string& table() const;          ///< It is on this table.
  [[nodiscard]] std::string definition() const;            ///< As JSON: equal definitions give equal text.
  [[nodiscard]] std::string spoken() const;                ///< "label Task", "edge type KNOWS", "text index notes".
  [[nodiscard]] bool uses(std::string_view column) const;  ///< Whether it names the column.
  /// Takes columns out that are gone; false when it cannot be without one of them.
  bool forget_columns(const std::function<bool(std::string_view)>& gone);
  void rename_table(std::string_view table);
  void rename_column(std::string_view from, std::string_view to);
};

/// A definition in SQL.
struct DefinitionSql {
  std::string base;                   ///< Prefix of the names of its objects.
  std::vector<SchemaObject> objects;  ///< Triggers and indexes.
  std::string fill;                   ///< Derives everything from the rows there are; nothing must be there.
  std::string refresh;                ///< After the table's columns have changed; may be empty.
  std::string clear;                  ///< Removes everything derived.
};

/// Checks the definition against its table, registers its names, and translates it. Errors: `not_found` (table),
/// `invalid_argument` (columns, key).
Result<DefinitionSql> translate(contract::RelationalSession& session, projection::CatalogWriter& catalog,
                                const StoredDefinition& definition);

/// Those of all organizations.
Result<std::vector<StoredDefinition>> stored_definitions(contract::RelationalSession& session);
Status store_definition(contract::RelationalSession& session, const StoredDefinition& definition);
Status forget_definition(contract::RelationalSession& session, const StoredDefinition& definition);

/// The one column of the primary key, or `invalid_argument`.
Result<std::string> single_key(const TableShape& shape);

}  // namespace triune::hive
