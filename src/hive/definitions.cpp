#include "hive/definitions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "hive/stored_definition.h"
#include "hive/tables.h"
#include "hive/vector_engines.h"

namespace triune::hive {
namespace {

using projection::CollectionKind;

/// True when the same definition is there already; `conflict` when another one is.
Result<bool> exists(const DefinitionContext& context, const StoredDefinition& definition) {
  const std::array<Value, 3> parameters{context.organization_id, std::string(definition.kind()), definition.name()};
  TRIUNE_ASSIGN(const RowSet rows, context.session.query("SELECT definition FROM triune_definitions "
                                                         "WHERE organization_id = ?1 AND kind = ?2 AND name = ?3",
                                                         parameters, 1));
  if (rows.rows.empty()) return false;
  if (to_text(rows.rows[0][0]) == definition.definition()) return true;
  return failure(ErrorCode::conflict, fmt::format("{} is defined already, and differently: {}", definition.spoken(),
                                                  to_text(rows.rows[0][0])));
}

Status check_empty(const DefinitionContext& context, std::string_view table, std::string_view column,
                   std::int64_t collection, std::string_view what) {
  const std::array<Value, 2> parameters{context.organization_id, collection};
  TRIUNE_ASSIGN(const RowSet rows,
                context.session.query(
                    fmt::format("SELECT 1 FROM {} WHERE organization_id = ?1 AND {} = ?2 LIMIT 1", table, column),
                    parameters, 1));
  if (rows.rows.empty()) return {};
  return failure(
      ErrorCode::conflict,
      fmt::format("{} exists already, written as changes; a table can only be mapped to a name of its own", what));
}

Status create(const DefinitionContext& context, const StoredDefinition& definition) {
  TRIUNE_ASSIGN(const DefinitionSql sql, translate(context.session, context.catalog, definition));
  TRIUNE_TRY(create_objects(context.session, sql.objects));
  TRIUNE_TRY(context.session.execute_script(sql.fill));
  return store_definition(context.session, definition);
}

}  // namespace

Status check_not_mapped(contract::RelationalSession& session, std::int64_t organization_id, std::string_view kind,
                        std::string_view name) {
  const std::array<Value, 3> parameters{organization_id, std::string(kind), std::string(name)};
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT table_name FROM triune_definitions "
                                                 "WHERE organization_id = ?1 AND kind = ?2 AND name = ?3",
                                                 parameters, 1));
  if (rows.rows.empty()) return {};
  return failure(ErrorCode::invalid_argument, fmt::format("{} is mapped from table {}; change its rows instead", name,
                                                          std::get<std::string>(rows.rows[0][0])));
}

Status define(const DefinitionContext& context, const NodeMapping& mapping) {
  TRIUNE_TRY(check_user_table(mapping.table));
  const StoredDefinition definition{context.organization_id, mapping};
  TRIUNE_ASSIGN(const bool known, exists(context, definition));
  if (known) return {};
  TRIUNE_ASSIGN(const std::int64_t label,
                context.catalog.collection(context.organization_id, CollectionKind::label, mapping.label));
  TRIUNE_TRY(check_empty(context, "triune_nodes", "label_id", label, fmt::format("label {}", mapping.label)));
  return create(context, definition);
}

Status define(const DefinitionContext& context, const EdgeMapping& mapping) {
  TRIUNE_TRY(check_user_table(mapping.table));
  const StoredDefinition definition{context.organization_id, mapping};
  TRIUNE_ASSIGN(const bool known, exists(context, definition));
  if (known) return {};
  TRIUNE_ASSIGN(const std::int64_t type,
                context.catalog.collection(context.organization_id, CollectionKind::type, mapping.type));
  TRIUNE_TRY(check_empty(context, "triune_edges", "type_id", type, fmt::format("edge type {}", mapping.type)));
  return create(context, definition);
}

Status define(const DefinitionContext& context, const TextIndex& index) {
  TRIUNE_TRY(check_user_table(index.table));
  const bool plain =
      !index.name.empty() && index.name.size() <= 64 && std::all_of(index.name.begin(), index.name.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
      });
  if (!plain || index.columns.empty())
    return failure(ErrorCode::invalid_argument,
                   "a text index needs a name of 1 to 64 letters, digits or _, and at least one column");
  const StoredDefinition definition{context.organization_id, index};
  TRIUNE_ASSIGN(const bool known, exists(context, definition));
  return known ? Status() : create(context, definition);
}

Status define(const DefinitionContext& context, const VectorCollection& collection,
              const std::string& embedder_version) {
  if (collection.dimension < 1 || collection.dimension > 8192)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a collection has 1 to 8192 dimensions, not {}", collection.dimension));
  if (!collection.owner_table.empty()) {
    TRIUNE_ASSIGN(const TableShape shape, describe_table(context.session, collection.owner_table));
    TRIUNE_TRY(single_key(shape));
  }
  TRIUNE_ASSIGN(const std::int64_t id,
                context.catalog.collection(context.organization_id, CollectionKind::vector, collection.name));
  const std::array<Value, 7> parameters{id,
                                        std::int64_t{collection.dimension},
                                        std::string(to_string(collection.metric)),
                                        collection.owner_table,
                                        collection.embedder,
                                        embedder_version,
                                        std::string(vector_engine_of(collection))};
  TRIUNE_TRY(context.session.execute(
      "INSERT INTO triune_vector_collections (collection_id, dimension, metric, owner_table, embedder, "
      "embedder_version, engine) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (collection_id) DO NOTHING",
      parameters));
  const std::array<Value, 1> key{id};
  TRIUNE_ASSIGN(
      const RowSet rows,
      context.session.query("SELECT dimension, metric, owner_table, embedder, engine FROM triune_vector_collections "
                            "WHERE collection_id = ?1",
                            key, 1));
  const auto& row = rows.rows.at(0);
  const bool same = std::equal(row.begin(), row.begin() + 4, parameters.begin() + 1);
  if (same && !collection.engine.empty() && to_text(row[4]) != collection.engine)
    return failure(ErrorCode::conflict,
                   fmt::format("collection {0} is on {1}; `triune vectors move {0} --to {2}` takes "
                               "it over",
                               collection.name, to_text(row[4]), collection.engine));
  if (same) return {};
  return failure(ErrorCode::conflict,
                 fmt::format("collection {} exists with {} dimensions, metric {}, owner table '{}' and embedder '{}'",
                             collection.name, to_text(row[0]), to_text(row[1]), to_text(row[2]), to_text(row[3])));
}

}  // namespace triune::hive
