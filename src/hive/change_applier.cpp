#include "hive/change_applier.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "base/try.h"
#include "hive/definitions.h"
#include "hive/schema_upkeep.h"
#include "model/sql_text.h"

namespace triune::hive {
namespace {

using model::quote_identifier;
using projection::CollectionKind;

std::string named(const NodeReference& node) {
  return fmt::format("{}/{}", node.label, node.id);
}

Bytes vector_bytes(const std::vector<float>& values) {
  Bytes bytes(values.size() * sizeof(float));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// "a" = ?1 AND "b" = ?2 over the fields of `key`, and the values.
std::string conditions(const std::vector<std::string>& columns, std::size_t first_parameter) {
  std::string sql;
  for (std::size_t i = 0; i < columns.size(); ++i)
    sql += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", quote_identifier(columns[i]), first_parameter + i);
  return sql;
}

Result<std::vector<Value>> key_values(const TableShape& shape, const Record& record) {
  std::vector<Value> values;
  for (const auto& column : shape.key()) {
    const auto* const value = find(record, column);
    if (value == nullptr || is_null(*value))
      return failure(ErrorCode::invalid_argument,
                     fmt::format("table {} is keyed by {}, which is missing", shape.name, column));
    values.push_back(*value);
  }
  return values;
}

/// Whether the table numbers rows itself when the key is left out.
bool numbers_itself(const TableShape& shape) {
  const auto key = shape.key();
  return key.size() == 1 && shape.column(key[0])->type == "INTEGER";
}

/// A value as a column of its table takes it: SQLite keeps truth values as 0 and 1, and so do whole numbers elsewhere.
Value for_column(const TableShape& shape, const Field& field) {
  const auto* const truth = std::get_if<bool>(&field.value);
  const auto* const column = shape.column(field.name);
  if (truth == nullptr || column == nullptr || (column->type != "INTEGER" && column->type != "BIGINT"))
    return field.value;
  return std::int64_t{*truth ? 1 : 0};
}

RowPut upsert(const TableShape& shape, const Record& values) {
  const auto key = shape.key();
  RowPut text;
  std::string names;
  std::string updates;
  std::string differs;
  for (const auto& field : values) {
    text.values.push_back(for_column(shape, field));
    const auto name = quote_identifier(field.name);
    names += (names.empty() ? "" : ", ") + name;
    if (std::find(key.begin(), key.end(), field.name) != key.end()) {
      text.key += to_json(field.value) + ',';
      continue;
    }
    updates += fmt::format("{}{} = excluded.{}", updates.empty() ? "" : ", ", name, name);
    differs += fmt::format("{}{}.{} IS DISTINCT FROM excluded.{}", differs.empty() ? "" : " OR ",
                           quote_identifier(shape.name), name, name);
  }
  text.before = fmt::format("INSERT INTO {} ({}) VALUES ", quote_identifier(shape.name), names);
  const bool keyed =
      std::all_of(key.begin(), key.end(), [&](const auto& column) { return find(values, column) != nullptr; });
  if (!keyed) return text;
  std::string conflict;
  for (const auto& column : key) conflict += (conflict.empty() ? "" : ", ") + quote_identifier(column);
  text.after = fmt::format(" ON CONFLICT ({}) DO ", conflict);
  text.after += updates.empty() ? "NOTHING" : fmt::format("UPDATE SET {} WHERE {}", updates, differs);
  return text;
}

}  // namespace

std::string canonical_json(const Record& properties) {
  Record sorted;
  for (const auto& field : properties)
    if (!is_null(field.value)) sorted.push_back(field);
  std::sort(sorted.begin(), sorted.end(), [](const Field& a, const Field& b) { return a.name < b.name; });
  return to_json(sorted);
}

Status ChangeApplier::apply(std::span<const Change> changes, std::span<const StagedBlob> blobs) {
  blobs_ = blobs;
  TRIUNE_TRY(keep_up_cheaply({session_, catalog_, organization_id_}));
  for (std::size_t i = 0; i < changes.size(); ++i) {
    auto applied = std::visit([this](const auto& change) { return apply_one(change); }, changes[i]);
    if (applied) continue;
    applied.error().message = fmt::format("change {}: {}", i + 1, applied.error().message);
    return applied;
  }
  return group_.send();
}

Status ChangeApplier::put(RowPut row) {
  if (pace_ == Pace::together) return group_.add(std::move(row));
  return write(statement_over(row, 1), row.values);
}

Status ChangeApplier::write(std::string_view sql, std::span<const Value> parameters) {
  return write(sql, parameters, changed_);
}

Status ChangeApplier::write(std::string_view sql, std::span<const Value> parameters, std::uint64_t& changed) {
  TRIUNE_TRY(group_.send());
  if (pace_ == Pace::together) return session_.execute_soon(sql, parameters, {.changed = &changed});
  TRIUNE_ASSIGN(const std::uint64_t count, session_.execute(sql, parameters));
  changed += count;
  return {};
}

std::uint64_t ChangeApplier::changed() const {
  // A vector is one entity although it is two rows.
  return changed_ + static_cast<std::uint64_t>(
                        std::count_if(vectors_.begin(), vectors_.end(), [](std::uint64_t rows) { return rows > 0; }));
}

Result<const TableShape*> ChangeApplier::shape_of(const std::string& table) {
  const auto known = shapes_.find(table);
  if (known != shapes_.end()) return &known->second;
  TRIUNE_TRY(check_user_table(table));
  if (remembered_ != nullptr) {
    auto shape = remembered_->find(table);
    if (shape) return &shapes_.emplace(table, std::move(*shape)).first->second;
  }
  TRIUNE_ASSIGN(TableShape shape, describe_table(session_, table));
  if (shape.key().empty())
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("table {} has no primary key, so its rows cannot be put; use SQL or give it one", table));
  if (remembered_ != nullptr) remembered_->remember(shape);
  return &shapes_.emplace(table, std::move(shape)).first->second;
}

Result<bool> ChangeApplier::row_exists(const TableShape& shape, const Record& values) {
  TRIUNE_ASSIGN(const auto key, key_values(shape, values));
  TRIUNE_TRY(group_.send());
  TRIUNE_ASSIGN(const RowSet rows, session_.query(fmt::format("SELECT 1 FROM {} WHERE {}", quote_identifier(shape.name),
                                                              conditions(shape.key(), 1)),
                                                  key, 1));
  return !rows.rows.empty();
}

Status ChangeApplier::update_row(const TableShape& shape, const PutRow& change) {
  TRIUNE_ASSIGN(auto values, key_values(shape, change.values));
  const auto key = shape.key();
  std::string updates;
  std::string differs;
  for (const auto& field : change.values) {
    if (std::find(key.begin(), key.end(), field.name) != key.end()) continue;
    values.push_back(for_column(shape, field));
    const auto name = quote_identifier(field.name);
    updates += fmt::format("{}{} = ?{}", updates.empty() ? "" : ", ", name, values.size());
    differs += fmt::format("{}{} IS DISTINCT FROM ?{}", differs.empty() ? "" : " OR ", name, values.size());
  }
  if (updates.empty()) return {};
  return write(fmt::format("UPDATE {} SET {} WHERE {} AND ({})", quote_identifier(shape.name), updates,
                           conditions(key, 1), differs),
               values);
}

Status ChangeApplier::apply_one(const PutRow& change) {
  TRIUNE_ASSIGN(const TableShape* const shape, shape_of(change.table));
  for (const auto& field : change.values)
    if (shape->column(field.name) == nullptr)
      return failure(ErrorCode::invalid_argument, fmt::format("table {} has no column {}", change.table, field.name));
  const auto key = shape->key();
  const bool keyed =
      std::all_of(key.begin(), key.end(), [&](const auto& column) { return find(change.values, column) != nullptr; });
  if (!keyed && !numbers_itself(*shape)) {
    auto missing = key_values(*shape, change.values);
    return failure_of(missing);
  }
  const bool whole = std::all_of(shape->columns.begin(), shape->columns.end(), [&](const auto& column) {
    return !column.not_null || column.primary_key_position > 0 || find(change.values, column.name) != nullptr;
  });
  // An upsert that leaves out a NOT NULL column fails before it looks for the row, so the row is looked for first.
  if (keyed && !whole) {
    TRIUNE_ASSIGN(const bool exists, row_exists(*shape, change.values));
    if (exists) return update_row(*shape, change);
  }
  return put(upsert(*shape, change.values));
}

Status ChangeApplier::apply_one(const DeleteRow& change) {
  TRIUNE_ASSIGN(const TableShape* const shape, shape_of(change.table));
  TRIUNE_ASSIGN(const auto key, key_values(*shape, change.key));
  return write(fmt::format("DELETE FROM {} WHERE {}", quote_identifier(change.table), conditions(shape->key(), 1)),
               key);
}

Result<std::int64_t> ChangeApplier::collection(CollectionKind kind, const std::string& name) {
  const std::pair key{std::string(kind == CollectionKind::label ? "node_mapping" : "edge_mapping"), name};
  if (!writable_.contains(key)) {
    TRIUNE_TRY(check_not_mapped(session_, organization_id_, key.first, name));
    writable_[key] = true;
  }
  return catalog_.collection(organization_id_, kind, name);
}

Status ChangeApplier::apply_one(const PutNode& change) {
  TRIUNE_ASSIGN(const std::int64_t label, collection(CollectionKind::label, change.node.label));
  TRIUNE_TRY(catalog_.properties(label, change.properties));
  return put({.before = "INSERT INTO triune_nodes (organization_id, label_id, id, properties) VALUES ",
              .after = " ON CONFLICT (organization_id, label_id, id) DO UPDATE SET properties = excluded.properties "
                       "WHERE triune_nodes.properties IS DISTINCT FROM excluded.properties",
              .values = {organization_id_, label, change.node.id, canonical_json(change.properties)},
              .key = fmt::format("{}/{}", label, change.node.id)});
}

Status ChangeApplier::apply_one(const DeleteNode& change) {
  const auto label = snapshot_.collection(organization_id_, CollectionKind::label, change.node.label);
  TRIUNE_ASSIGN(const std::int64_t label_id,
                label ? Result<std::int64_t>(*label)
                      : catalog_.collection(organization_id_, CollectionKind::label, change.node.label));
  TRIUNE_TRY(check_not_mapped(session_, organization_id_, "node_mapping", change.node.label));
  const std::array<Value, 3> parameters{organization_id_, label_id, change.node.id};
  return write("DELETE FROM triune_nodes WHERE organization_id = ?1 AND label_id = ?2 AND id = ?3", parameters);
}

Result<std::int64_t> ChangeApplier::node_number(const NodeReference& node, std::string_view role) {
  TRIUNE_ASSIGN(const std::int64_t label, catalog_.collection(organization_id_, CollectionKind::label, node.label));
  TRIUNE_TRY(group_.send());
  const std::array<Value, 3> parameters{organization_id_, label, node.id};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session_.query("SELECT node_id FROM triune_nodes WHERE organization_id = ?1 AND label_id = ?2 AND id = ?3",
                     parameters, 1));
  if (!rows.rows.empty()) return std::get<std::int64_t>(rows.rows[0][0]);
  return failure(
      ErrorCode::not_found,
      fmt::format("the edge's {} node {} does not exist; put it first, in this commit or before", role, named(node)));
}

Status ChangeApplier::apply_one(const PutEdge& change) {
  const auto& edge = change.edge;
  TRIUNE_ASSIGN(const std::int64_t type, collection(CollectionKind::type, edge.type));
  TRIUNE_ASSIGN(const std::int64_t from_label,
                catalog_.collection(organization_id_, CollectionKind::label, edge.from.label));
  TRIUNE_ASSIGN(const std::int64_t to_label,
                catalog_.collection(organization_id_, CollectionKind::label, edge.to.label));
  TRIUNE_TRY(catalog_.edge_end(type, from_label, to_label));
  TRIUNE_TRY(catalog_.properties(type, change.properties));
  if (pace_ == Pace::together) return put_edge(change, type, from_label, to_label);
  TRIUNE_ASSIGN(const std::int64_t from, node_number(edge.from, "from"));
  TRIUNE_ASSIGN(const std::int64_t to, node_number(edge.to, "to"));
  const std::array<Value, 5> parameters{organization_id_, type, from, to, canonical_json(change.properties)};
  return write(
      "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) VALUES (?1, ?2, ?3, ?4, ?5) "
      "ON CONFLICT (organization_id, type_id, from_node, to_node) DO UPDATE SET properties = excluded.properties "
      "WHERE triune_edges.properties IS DISTINCT FROM excluded.properties",
      parameters);
}

Status ChangeApplier::put_edge(const PutEdge& change, std::int64_t type, std::int64_t from_label,
                               std::int64_t to_label) {
  // Each end by an index, whatever the planner knows of the tables: joined, it may prefer to read all nodes. A NULL of
  // an end that does not exist is refused by the table.
  constexpr std::string_view before =
      "INSERT INTO triune_edges (organization_id, type_id, from_node, to_node, properties) "
      "SELECT v.organization_id, v.type_id, (SELECT n.node_id FROM triune_nodes n WHERE n.organization_id = "
      "v.organization_id AND n.label_id = v.from_label AND n.id = v.from_id), (SELECT n.node_id FROM triune_nodes n "
      "WHERE n.organization_id = v.organization_id AND n.label_id = v.to_label AND n.id = v.to_id), v.properties "
      "FROM (VALUES ";
  constexpr std::string_view after =
      ") AS v (organization_id, type_id, from_label, from_id, to_label, to_id, properties) "
      "ON CONFLICT (organization_id, type_id, from_node, to_node) DO UPDATE SET properties = excluded.properties "
      "WHERE triune_edges.properties IS DISTINCT FROM excluded.properties";
  const NodeReference& from = change.edge.from;
  const NodeReference& to = change.edge.to;
  return put(
      {.before = std::string(before),
       .after = std::string(after),
       .values = {organization_id_, type, from_label, from.id, to_label, to.id, canonical_json(change.properties)},
       .key = fmt::format("{}/{}/{}:{}/{}/{}", type, from_label, from.id.size(), from.id, to_label, to.id)});
}

Status ChangeApplier::apply_one(const DeleteEdge& change) {
  const auto& edge = change.edge;
  TRIUNE_ASSIGN(const std::int64_t type, collection(CollectionKind::type, edge.type));
  const auto from = node_number(edge.from, "from");
  const auto to = node_number(edge.to, "to");
  for (const auto* const end : {&from, &to})
    if (!*end && end->error().code != ErrorCode::not_found) return std::unexpected<Error>(end->error());
  if (!from || !to) return {};
  const std::array<Value, 4> parameters{organization_id_, type, *from, *to};
  return write(
      "DELETE FROM triune_edges WHERE organization_id = ?1 AND type_id = ?2 "
      "AND from_node = ?3 AND to_node = ?4",
      parameters);
}

Status ChangeApplier::apply_one(const PutVector& change) {
  const auto id = snapshot_.collection(organization_id_, CollectionKind::vector, change.collection);
  const auto definition = id ? snapshot_.vector_collections.find(*id) : snapshot_.vector_collections.end();
  if (definition == snapshot_.vector_collections.end())
    return failure(ErrorCode::not_found,
                   fmt::format("there is no vector collection {0}; create it with `triune collection create {0} "
                               "--dimension {1}`",
                               change.collection, change.values.size()));
  const bool embedded = !definition->second.embedder.empty();
  if (!change.text.empty() && !embedded)
    return failure(
        ErrorCode::invalid_argument,
        fmt::format("vector {} has a text, and collection {} no embedder; give its values alone, or create a "
                    "collection with `triune collection create NAME --embedder hashing`",
                    change.id, change.collection));
  const bool pending = embedded && change.values.empty() && !change.text.empty();
  if (!pending && change.values.size() != definition->second.dimension)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("vector {} has {} values and collection {} has {} dimensions", change.id,
                               change.values.size(), change.collection, definition->second.dimension));
  const std::array<Value, 4> parameters{organization_id_, *id, change.id, canonical_json(change.metadata)};
  auto& rows = vectors_.emplace_back(0);
  // A vector that is pending is logged in any case: projections drop what the id held before (E2).
  TRIUNE_TRY(write(fmt::format("INSERT INTO triune_vectors (organization_id, collection_id, id, metadata) "
                               "VALUES (?1, ?2, ?3, ?4) ON CONFLICT (organization_id, collection_id, id) "
                               "DO UPDATE SET metadata = excluded.metadata{}",
                               pending ? "" : " WHERE triune_vectors.metadata IS DISTINCT FROM excluded.metadata"),
                   parameters, rows));
  if (embedded) TRIUNE_TRY(put_text(change, *id, rows));
  if (pending) return {};
  const std::array<Value, 4> values{organization_id_, *id, change.id, vector_bytes(change.values)};
  static const contract::DialectText put_values([](contract::Dialect dialect) {
    return fmt::format(
        "INSERT INTO triune_vector_values ({0}vector_key, vector) SELECT {0}vector_key, ?4 FROM triune_vectors "
        "WHERE organization_id = ?1 AND collection_id = ?2 AND id = ?3 ON CONFLICT ({0}vector_key) "
        "DO UPDATE SET vector = excluded.vector WHERE triune_vector_values.vector IS DISTINCT FROM excluded.vector",
        dialect == contract::Dialect::postgres ? "organization_id, " : "");
  });
  return write(put_values.in(session_.dialect()), values, rows);
}

Status ChangeApplier::put_text(const PutVector& change, std::int64_t collection_id, std::uint64_t& rows) {
  const std::array<Value, 3> vector{organization_id_, collection_id, change.id};
  constexpr std::string_view of_vector =
      "vector_key IN (SELECT vector_key FROM triune_vectors "
      "WHERE organization_id = ?1 AND collection_id = ?2 AND id = ?3)";
  if (change.text.empty())
    return write(fmt::format("DELETE FROM triune_vector_texts WHERE organization_id = ?1 AND {}", of_vector), vector,
                 rows);
  const bool pending = change.values.empty();
  const auto now =
      std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch());
  Value since;
  if (pending) since = std::int64_t{now.count()};
  const std::array<Value, 6> text{organization_id_, collection_id, change.id,
                                  change.text,      since,         pending ? embedding_trouble_ : std::string()};
  TRIUNE_TRY(
      write("INSERT INTO triune_vector_texts (organization_id, vector_key, collection_id, content, pending_since_ms, "
            "next_attempt_ms, last_error) SELECT organization_id, vector_key, collection_id, ?4, CAST(?5 AS bigint), "
            "CAST(?5 AS bigint), ?6 FROM triune_vectors WHERE organization_id = ?1 AND collection_id = ?2 AND id = ?3 "
            "ON CONFLICT (organization_id, vector_key) DO UPDATE SET content = excluded.content, "
            "pending_since_ms = excluded.pending_since_ms, next_attempt_ms = excluded.next_attempt_ms, attempts = 0, "
            "last_error = excluded.last_error WHERE triune_vector_texts.content IS DISTINCT FROM excluded.content OR "
            "triune_vector_texts.pending_since_ms IS DISTINCT FROM excluded.pending_since_ms",
            text, rows));
  if (!pending) return {};
  return write(
      fmt::format("DELETE FROM triune_vector_values WHERE {}{}",
                  session_.dialect() == contract::Dialect::postgres ? "organization_id = ?1 AND " : "", of_vector),
      vector, rows);
}

Status ChangeApplier::apply_one(const DeleteVector& change) {
  const auto id = snapshot_.collection(organization_id_, CollectionKind::vector, change.collection);
  if (!id) return failure(ErrorCode::not_found, fmt::format("there is no vector collection {}", change.collection));
  const std::array<Value, 3> parameters{organization_id_, *id, change.id};
  return write("DELETE FROM triune_vectors WHERE organization_id = ?1 AND collection_id = ?2 AND id = ?3", parameters);
}

Status ChangeApplier::apply_one(const PutBlob& change) {
  const auto& staged = blobs_.front();
  blobs_ = blobs_.subspan(1);
  const std::array<Value, 5> parameters{organization_id_, change.owner, change.name, staged.sha256,
                                        static_cast<std::int64_t>(staged.size_bytes)};
  return write(
      "INSERT INTO triune_blob_references (organization_id, owner, name, sha256, size_bytes) "
      "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (organization_id, owner, name) "
      "DO UPDATE SET sha256 = excluded.sha256, size_bytes = excluded.size_bytes "
      "WHERE triune_blob_references.sha256 IS DISTINCT FROM excluded.sha256",
      parameters);
}

Status ChangeApplier::apply_one(const DeleteBlob& change) {
  const std::array<Value, 3> parameters{organization_id_, change.owner, change.name};
  return write("DELETE FROM triune_blob_references WHERE organization_id = ?1 AND owner = ?2 AND name = ?3",
               parameters);
}

}  // namespace triune::hive
