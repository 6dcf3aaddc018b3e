#include "hive/vector_filter.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "base/try.h"
#include "federation/sql_tokens.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using model::quote_identifier;
using model::quote_literal;

constexpr std::size_t name_limit = 64;
constexpr std::string_view savepoint = "triune_filter";

std::string metadata_path(std::string_view key) {
  std::string path = "$.\"";
  for (const char character : key) {
    if (character == '"' || character == '\\') path += '\\';
    path += character;
  }
  return quote_literal(path + '"');
}

/// A metadata value as a column. SQLite types each value for itself; in PostgreSQL a column has one type, so it is a
/// number or a truth value where all vectors have such, and a text otherwise.
Result<std::string> metadata_column(contract::RelationalSession& session, std::int64_t organization_id,
                                    std::int64_t collection_id, const std::string& key) {
  if (session.dialect() == contract::Dialect::sqlite)
    return fmt::format("json_extract(v.metadata, {})", metadata_path(key));
  const std::array<Value, 3> parameters{organization_id, collection_id, key};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT DISTINCT jsonb_typeof(CAST(metadata AS jsonb) -> ?3) FROM triune_vectors "
                              "WHERE organization_id = ?1 AND collection_id = ?2 AND CAST(metadata AS jsonb) -> ?3 IS "
                              "NOT NULL AND jsonb_typeof(CAST(metadata AS jsonb) -> ?3) <> 'null'",
                              parameters, 10));
  auto text = fmt::format("(CAST(v.metadata AS jsonb) ->> {})", quote_literal(key));
  if (rows.rows.size() != 1) return text;
  const auto type = to_text(rows.rows[0][0]);
  return type == "number" || type == "boolean"
             ? fmt::format("CAST({} AS {})", text, type == "number" ? "numeric" : "boolean")
             : text;
}

/// Whether row `o` owns vector `v`, whose id is the text of its key; said so that the key's index is of use.
std::string owner_is(contract::Dialect dialect, const TableShape& owner) {
  const auto name = owner.key().at(0);
  const auto key = "o." + quote_identifier(name);
  const auto& type = owner.column(name)->type;
  if (same_name(contract::Dialect::sqlite, type, "text")) return key + " = v.id";
  auto as_text = fmt::format("CAST({} AS text) = v.id", key);
  if (dialect == contract::Dialect::postgres || !same_name(contract::Dialect::sqlite, type, "integer")) return as_text;
  return fmt::format("{} = CAST(v.id AS integer) AND {}", key, as_text);
}

/// The vectors with everything a predicate can name as columns.
/// `vectors` is where they come from: the table as v, and what it is joined with.
std::string source_sql(contract::Dialect dialect, std::int64_t organization_id, std::int64_t collection_id,
                       std::string_view vectors, const TableShape* owner,
                       const std::map<std::string, std::string>& metadata_columns) {
  // Where a predicate takes metadata apart itself, `->>` works alike on both.
  std::string columns =
      fmt::format("v.vector_key AS triune_key, v.id AS id, {} AS metadata",
                  dialect == contract::Dialect::postgres ? "CAST(v.metadata AS jsonb)" : "v.metadata");
  std::string join;
  if (owner != nullptr) {
    for (const auto& column : owner->columns)
      if (column.name != "id" && column.name != "metadata") columns += ", o." + quote_identifier(column.name);
    join = fmt::format(" LEFT JOIN {} o ON {}", quote_identifier(owner->name), owner_is(dialect, *owner));
  }
  for (const auto& [key, expression] : metadata_columns)
    columns += fmt::format(", {} AS {}", expression, quote_identifier(key));
  return fmt::format("SELECT {} FROM {}{} WHERE v.organization_id = {} AND v.collection_id = {}", columns, vectors,
                     join, organization_id, collection_id);
}

/// The unknown name that the engine complains of, or nothing.
std::string unknown_column(contract::Dialect dialect, const Error& error) {
  if (dialect == contract::Dialect::postgres) {
    constexpr std::string_view column = "column \"";
    const auto begin = error.native_code == "42703" ? error.message.find(column) : std::string::npos;
    if (begin == std::string::npos) return {};
    const auto rest = error.message.substr(begin + column.size());
    return rest.substr(0, rest.find('"'));
  }
  constexpr std::string_view complaint = "no such column: ";
  const auto at = error.message.find(complaint);
  if (at == std::string::npos) return {};
  auto name = error.message.substr(at + complaint.size());
  name = name.substr(0, name.find_first_of(" \n,;)"));
  return name.find('.') == std::string::npos ? name : std::string();
}

Status check_known(contract::RelationalSession& session, std::int64_t organization_id, std::int64_t collection_id,
                   const VectorCollection& definition, const std::map<std::string, std::string>& metadata_columns) {
  for (const auto& [key, expression] : metadata_columns) {
    const auto present = session.dialect() == contract::Dialect::sqlite
                             ? fmt::format("json_type(metadata, {})", metadata_path(key))
                             : fmt::format("(CAST(metadata AS jsonb) -> {})", quote_literal(key));
    TRIUNE_ASSIGN(
        const RowSet rows,
        session.query(fmt::format("SELECT 1 FROM triune_vectors WHERE organization_id = {} AND collection_id = {} "
                                  "AND {} IS NOT NULL LIMIT 1",
                                  organization_id, collection_id, present),
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

std::string json_keys(std::span<const contract::VectorKey> keys) {
  std::string json = "[";
  for (const auto key : keys) fmt::format_to(std::back_inserter(json), "{}{}", json.size() > 1 ? "," : "", key);
  return json + "]";
}

Result<VectorPredicate> VectorPredicate::of(contract::RelationalSession& session, std::int64_t organization_id,
                                            std::int64_t collection_id, const VectorCollection& definition,
                                            const VectorSearch& search) {
  VectorPredicate predicate(session, organization_id, collection_id, definition, search);
  TRIUNE_ASSIGN(predicate.owner_, owner_of(session, collection_id));
  return predicate;
}

bool VectorPredicate::takes_keys() const {
  std::size_t largest = 0;
  for (const auto& token : federation::sql_tokens(search_.where)) {
    if (token.kind != federation::SqlToken::Kind::parameter) continue;
    std::size_t number = 0;
    const auto digits = token.text.substr(1);
    if (std::from_chars(digits.data(), digits.data() + digits.size(), number).ec != std::errc{}) return false;
    largest = std::max(largest, number);
  }
  return largest <= search_.parameters.size();
}

Result<std::vector<contract::VectorKey>> VectorPredicate::all() {
  return evaluate("triune_vectors v", search_.parameters);
}

Result<std::vector<contract::VectorKey>> VectorPredicate::among(std::span<const contract::VectorKey> keys) {
  auto parameters = search_.parameters;
  parameters.emplace_back(json_keys(keys));
  const auto set = integer_set(session_.dialect(), static_cast<int>(parameters.size()));
  // In this order: an index on the collection would lead through all of it.
  return evaluate(fmt::format("{} k {} triune_vectors v ON v.organization_id = {} AND v.vector_key = k.value", set,
                              ordered_join(session_.dialect()), organization_id_),
                  parameters);
}

Result<std::vector<contract::VectorKey>> VectorPredicate::evaluate(std::string_view vectors,
                                                                   std::span<const Value> parameters) {
  const bool postgres = session_.dialect() == contract::Dialect::postgres;
  for (;;) {
    const auto source = source_sql(session_.dialect(), organization_id_, collection_id_, vectors,
                                   owner_ ? &*owner_ : nullptr, metadata_columns_);
    std::vector<contract::VectorKey> keys;
    if (postgres) TRIUNE_TRY(session_.savepoint(savepoint));
    // The line break ends a comment in the predicate.
    auto visited =
        session_.visit(fmt::format("SELECT triune_key FROM ({}) AS source WHERE ({}\n)", source, search_.where),
                       parameters, [&](std::span<const Value> row) -> Status {
                         if (const auto* const key = std::get_if<std::int64_t>(&row[0]))
                           keys.push_back(static_cast<contract::VectorKey>(*key));
                         return {};
                       });
    if (visited) {
      TRIUNE_TRY(check_known(session_, organization_id_, collection_id_, definition_, metadata_columns_));
      std::sort(keys.begin(), keys.end());
      keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
      return keys;
    }
    const auto name = unknown_column(session_.dialect(), visited.error());
    if (name.empty() || metadata_columns_.size() >= name_limit || metadata_columns_.contains(name)) {
      visited.error().message = fmt::format("the predicate `{}`: {}", search_.where, visited.error().message);
      return failure_of(visited);
    }
    if (postgres) TRIUNE_TRY(session_.rollback_to(savepoint));
    TRIUNE_ASSIGN(metadata_columns_[name], metadata_column(session_, organization_id_, collection_id_, name));
  }
}

}  // namespace triune::hive
