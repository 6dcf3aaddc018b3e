#include "hive/vector_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/try.h"
#include "hive/tables.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using model::quote_identifier;
using model::quote_literal;

constexpr std::size_t name_limit = 64;

std::string metadata_path(std::string_view key) {
  std::string path = "$.\"";
  for (const char character : key) {
    if (character == '"' || character == '\\') path += '\\';
    path += character;
  }
  return quote_literal(path + '"');
}

/// The vectors with everything a predicate can name as columns.
std::string source_sql(std::int64_t organization_id, std::int64_t collection_id, const TableShape* owner,
                       const std::set<std::string>& metadata_keys) {
  std::string columns = "v.vector_key AS triune_key, v.id AS id, v.metadata AS metadata";
  std::string join;
  if (owner != nullptr) {
    for (const auto& column : owner->columns)
      if (column.name != "id" && column.name != "metadata") columns += ", o." + quote_identifier(column.name);
    join = fmt::format(" LEFT JOIN {} o ON o.{} = v.id", quote_identifier(owner->name),
                       quote_identifier(owner->key().at(0)));
  }
  for (const auto& key : metadata_keys)
    columns += fmt::format(", json_extract(v.metadata, {}) AS {}", metadata_path(key), quote_identifier(key));
  return fmt::format("SELECT {} FROM triune_vectors v{} WHERE v.organization_id = {} AND v.collection_id = {}", columns,
                     join, organization_id, collection_id);
}

/// The unknown name that SQLite complains of, or nothing.
std::string unknown_column(const Error& error) {
  constexpr std::string_view complaint = "no such column: ";
  const auto at = error.message.find(complaint);
  if (at == std::string::npos) return {};
  auto name = error.message.substr(at + complaint.size());
  name = name.substr(0, name.find_first_of(" \n,;)"));
  return name.find('.') == std::string::npos ? name : std::string();
}

Status check_known(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t collection_id,
                   const VectorCollection& definition, const std::set<std::string>& metadata_keys) {
  for (const auto& key : metadata_keys) {
    TRIUNE_ASSIGN(
        const RowSet rows,
        session.query(fmt::format("SELECT 1 FROM triune_vectors WHERE organization_id = {} AND collection_id = {} "
                                  "AND json_type(metadata, {}) IS NOT NULL LIMIT 1",
                                  organization_id, collection_id, metadata_path(key)),
                      {}, 1));
    if (rows.rows.empty())
      return failure(ErrorCode::invalid_argument,
                     fmt::format("{} is neither a metadata key of any vector in {} nor a column of its owner table{}",
                                 key, definition.name,
                                 definition.owner_table.empty() ? " (it has none)" : " " + definition.owner_table));
  }
  return {};
}

/// The owner table; nothing when there is none, or none any more: the vectors and their metadata are there without it.
Result<std::optional<TableShape>> owner_of(contract::RelationalSession& session, std::int64_t collection_id) {
  std::optional<TableShape> owner;
  // Asked for anew, since the table may have been renamed.
  const std::array<Value, 1> parameters{collection_id};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query("SELECT owner_table FROM triune_vector_collections WHERE collection_id = ?1", parameters, 1));
  const auto table = rows.rows.empty() ? std::string() : to_text(rows.rows[0][0]);
  if (table.empty()) return owner;
  auto shape = describe_table(session, table);
  if (!shape && shape.error().code != ErrorCode::not_found) return failure_of(shape);
  if (shape && shape->key().size() == 1) owner = std::move(*shape);
  return owner;
}

}  // namespace

Result<std::vector<contract::VectorKey>> filter_keys(contract::RelationalSession& session, std::int64_t organization_id,
                                                     std::int64_t collection_id, const VectorCollection& definition,
                                                     const VectorSearch& search) {
  TRIUNE_ASSIGN(const auto owner, owner_of(session, collection_id));
  std::set<std::string> metadata_keys;
  for (;;) {
    const auto source = source_sql(organization_id, collection_id, owner ? &*owner : nullptr, metadata_keys);
    std::vector<contract::VectorKey> keys;
    // The line break ends a comment in the predicate.
    auto visited = session.visit(fmt::format("SELECT triune_key FROM ({}) WHERE ({}\n)", source, search.where),
                                 search.parameters, [&](std::span<const Value> row) -> Status {
                                   if (const auto* const key = std::get_if<std::int64_t>(&row[0]))
                                     keys.push_back(static_cast<contract::VectorKey>(*key));
                                   return {};
                                 });
    if (visited) {
      TRIUNE_TRY(check_known(session, organization_id, collection_id, definition, metadata_keys));
      std::sort(keys.begin(), keys.end());
      keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
      return keys;
    }
    const auto name = unknown_column(visited.error());
    if (name.empty() || metadata_keys.size() >= name_limit || !metadata_keys.insert(name).second) {
      visited.error().message = fmt::format("the predicate `{}`: {}", search.where, visited.error().message);
      return failure_of(visited);
    }
  }
}

}  // namespace triune::hive
