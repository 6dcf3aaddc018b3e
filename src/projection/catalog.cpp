#include "projection/catalog.h"

#include <fmt/format.h>

#include <array>

#include "base/try.h"
#include "contract/operations.h"

namespace triune::projection {
namespace {

using contract::PropertyType;

constexpr std::size_t dictionary_limit = 1'000'000;
constexpr std::array kinds{CollectionKind::table, CollectionKind::label, CollectionKind::type, CollectionKind::vector};
constexpr std::array types{PropertyType::boolean, PropertyType::int64, PropertyType::float64, PropertyType::text};

std::string_view type_name(PropertyType type) {
  switch (type) {
    case PropertyType::boolean: return "boolean";
    case PropertyType::int64: return "int64";
    case PropertyType::float64: return "float64";
    case PropertyType::text: return "text";
  }
  return "text";
}

CollectionKind parse_kind(std::string_view text) {
  for (const auto kind : kinds)
    if (text == to_string(kind)) return kind;
  return CollectionKind::table;
}

PropertyType parse_type(std::string_view text) {
  for (const auto type : types)
    if (text == type_name(type)) return type;
  return PropertyType::text;
}

std::int64_t integer(const Value& value) {
  return std::get<std::int64_t>(value);
}
const std::string& text(const Value& value) {
  return std::get<std::string>(value);
}

Status load_names(contract::RelationalSession& session, CatalogSnapshot& to) {
  TRIUNE_ASSIGN(const RowSet organizations,
                session.query("SELECT name, organization_id FROM triune_organizations", {}, dictionary_limit));
  for (const auto& row : organizations.rows) to.organizations[text(row[0])] = integer(row[1]);
  TRIUNE_ASSIGN(
      const RowSet collections,
      session.query("SELECT organization_id, kind, name, collection_id FROM triune_collections", {}, dictionary_limit));
  for (const auto& row : collections.rows) {
    to.collections[{integer(row[0]), parse_kind(text(row[1])), text(row[2])}] = integer(row[3]);
    to.collection_names[integer(row[3])] = text(row[2]);
    to.collection_kinds[integer(row[3])] = parse_kind(text(row[1]));
  }
  return {};
}

Status load_graph(contract::RelationalSession& session, CatalogSnapshot& to) {
  TRIUNE_ASSIGN(const RowSet properties,
                session.query("SELECT collection_id, name, type FROM triune_properties", {}, dictionary_limit));
  for (const auto& row : properties.rows) to.properties[integer(row[0])][text(row[1])] = parse_type(text(row[2]));
  TRIUNE_ASSIGN(const RowSet ends, session.query("SELECT type_id, from_label_id, to_label_id FROM triune_edge_ends", {},
                                                 dictionary_limit));
  for (const auto& row : ends.rows) to.edge_ends.insert({integer(row[0]), integer(row[1]), integer(row[2])});
  return {};
}

Status load_vector_collections(contract::RelationalSession& session, CatalogSnapshot& to) {
  TRIUNE_ASSIGN(
      const RowSet collections,
      session.query(
          "SELECT collection_id, dimension, metric, owner_table, embedder, embedder_version, engine, moving_to "
          "FROM triune_vector_collections",
          {}, dictionary_limit));
  for (const auto& row : collections.rows) {
    TRIUNE_ASSIGN(const Metric metric, parse_metric(text(row[2])));
    to.vector_collections[integer(row[0])] = {.name = to.name_of(integer(row[0])),
                                              .dimension = static_cast<std::uint32_t>(integer(row[1])),
                                              .metric = metric,
                                              .owner_table = text(row[3]),
                                              .embedder = text(row[4]),
                                              .engine = text(row[6])};
    if (!text(row[7]).empty()) to.vector_moves[integer(row[0])] = text(row[7]);
    if (!text(row[5]).empty()) to.embedder_versions[integer(row[0])] = text(row[5]);
  }
  return {};
}

std::vector<contract::PropertyDefinition> definitions(const CatalogSnapshot& snapshot, std::int64_t collection_id) {
  std::vector<contract::PropertyDefinition> result;
  const auto found = snapshot.properties.find(collection_id);
  if (found == snapshot.properties.end()) return result;
  for (const auto& [name, type] : found->second) result.push_back({name, type});
  return result;
}

/// PostgreSQL gives no number twice. SQLite would give that of the last one again, and with it what other processes and
/// the directory still hold of one that was forgotten (forget_collection).
std::string_view insert_collection(contract::Dialect dialect) {
  if (dialect == contract::Dialect::postgres)
    return "INSERT INTO triune_collections (organization_id, kind, name) VALUES (?1, ?2, ?3) "
           "ON CONFLICT (organization_id, kind, name) DO NOTHING";
  return "INSERT INTO triune_collections (collection_id, organization_id, kind, name) SELECT 1 + max("
         "coalesce((SELECT max(collection_id) FROM triune_collections), 0), "
         "coalesce((SELECT CAST(value AS INTEGER) FROM triune_hive WHERE key = 'last_forgotten_collection'), 0)), "
         "?1, ?2, ?3 WHERE true ON CONFLICT (organization_id, kind, name) DO NOTHING";
}

}  // namespace

std::string_view to_string(CollectionKind kind) noexcept {
  switch (kind) {
    case CollectionKind::table: return "table";
    case CollectionKind::label: return "label";
    case CollectionKind::type: return "type";
    case CollectionKind::vector: return "vector";
  }
  return "table";
}

PropertyType widen(PropertyType left, PropertyType right) noexcept {
  if (left == right) return left;
  const auto numeric = [](PropertyType type) { return type == PropertyType::int64 || type == PropertyType::float64; };
  return numeric(left) && numeric(right) ? PropertyType::float64 : PropertyType::text;
}

Value convert(const Value& value, PropertyType type) {
  if (is_null(value)) return Null{};
  if (type == PropertyType::text) {
    if (std::holds_alternative<std::string>(value)) return value;
    return to_text(value);
  }
  if (type == PropertyType::float64 && std::holds_alternative<std::int64_t>(value))
    return static_cast<double>(std::get<std::int64_t>(value));
  return value;
}

std::optional<std::int64_t> CatalogSnapshot::collection(std::int64_t organization, CollectionKind kind,
                                                        std::string_view name) const {
  const auto found = collections.find({organization, kind, std::string(name)});
  if (found == collections.end()) return std::nullopt;
  return found->second;
}

const std::string& CatalogSnapshot::name_of(std::int64_t collection_id) const {
  static const std::string unknown;
  const auto found = collection_names.find(collection_id);
  return found == collection_names.end() ? unknown : found->second;
}

bool CatalogSnapshot::is_graph(std::int64_t collection_id) const {
  const auto found = collection_kinds.find(collection_id);
  return found != collection_kinds.end() &&
         (found->second == CollectionKind::label || found->second == CollectionKind::type);
}

std::vector<std::int64_t> CatalogSnapshot::collections_of(std::int64_t organization, CollectionKind kind) const {
  std::vector<std::int64_t> result;
  for (auto at = collections.lower_bound({organization, kind, ""}); at != collections.end(); ++at) {
    if (std::get<0>(at->first) != organization || std::get<1>(at->first) != kind) break;
    result.push_back(at->second);
  }
  return result;
}

contract::GraphSchema CatalogSnapshot::graph_schema(std::int64_t organization) const {
  contract::GraphSchema schema;
  for (const auto label : collections_of(organization, CollectionKind::label))
    schema.labels.push_back({name_of(label), definitions(*this, label)});
  for (const auto type : collections_of(organization, CollectionKind::type)) {
    contract::EdgeType edge_type{.name = name_of(type), .ends = {}, .properties = definitions(*this, type)};
    for (auto at = edge_ends.lower_bound({type, 0, 0}); at != edge_ends.end() && std::get<0>(*at) == type; ++at)
      edge_type.ends.emplace_back(name_of(std::get<1>(*at)), name_of(std::get<2>(*at)));
    if (!edge_type.ends.empty()) schema.types.push_back(std::move(edge_type));
  }
  return schema;
}

Status Catalog::reload(contract::RelationalStore& store, Deadline deadline) {
  std::uint64_t turn = 0;
  {
    const std::scoped_lock lock(mutex_);
    turn = ++turns_;
  }
  // Opened after the turn was taken: whoever has a later turn sees at least as much.
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
  auto fresh = std::make_shared<CatalogSnapshot>();
  TRIUNE_TRY(load_names(*session, *fresh));
  TRIUNE_TRY(load_graph(*session, *fresh));
  TRIUNE_TRY(load_vector_collections(*session, *fresh));
  const std::scoped_lock lock(mutex_);
  if (turn < read_in_) return {};
  read_in_ = turn;
  snapshot_ = std::move(fresh);
  return {};
}

std::shared_ptr<const CatalogSnapshot> Catalog::snapshot() const {
  const std::scoped_lock lock(mutex_);
  return snapshot_;
}

Result<std::int64_t> CatalogWriter::organization(std::string_view name) {
  if (const auto known = snapshot_->organizations.find(name); known != snapshot_->organizations.end())
    return known->second;
  if (const auto known = organizations_.find(name); known != organizations_.end()) return known->second;
  const std::array<Value, 1> parameters{std::string(name)};
  TRIUNE_ASSIGN(const std::uint64_t made,
                session_.execute("INSERT INTO triune_organizations (name) VALUES (?1) ON CONFLICT (name) DO NOTHING",
                                 parameters));
  changed_ = changed_ || made > 0;
  TRIUNE_ASSIGN(const RowSet found,
                session_.query("SELECT organization_id FROM triune_organizations WHERE name = ?1", parameters, 1));
  return organizations_[std::string(name)] = integer(found.rows.at(0).at(0));
}

Result<std::int64_t> CatalogWriter::collection(std::int64_t organization, CollectionKind kind, std::string_view name) {
  if (const auto known = snapshot_->collection(organization, kind, name)) return *known;
  const std::tuple key{organization, kind, std::string(name)};
  if (const auto known = collections_.find(key); known != collections_.end()) return known->second;
  if (name.empty() || name.size() > 200)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a {} needs a name of 1 to 200 bytes, this one has {}", to_string(kind), name.size()));
  const std::array<Value, 3> parameters{organization, std::string(to_string(kind)), std::string(name)};
  TRIUNE_ASSIGN(const std::uint64_t made, session_.execute(insert_collection(session_.dialect()), parameters));
  changed_ = changed_ || made > 0;
  TRIUNE_ASSIGN(const RowSet found, session_.query("SELECT collection_id FROM triune_collections "
                                                   "WHERE organization_id = ?1 AND kind = ?2 AND name = ?3",
                                                   parameters, 1));
  return collections_[key] = integer(found.rows.at(0).at(0));
}

Status CatalogWriter::properties(std::int64_t collection_id, const Record& properties) {
  const auto known = snapshot_->properties.find(collection_id);
  for (const auto& field : properties) {
    if (is_null(field.value)) continue;
    TRIUNE_ASSIGN(const PropertyType type, contract::property_type(field.value));
    if (known != snapshot_->properties.end()) {
      const auto registered = known->second.find(field.name);
      if (registered != known->second.end() && widen(registered->second, type) == registered->second) continue;
    }
    TRIUNE_TRY(register_property(collection_id, field.name, type));
  }
  return {};
}

Status CatalogWriter::register_property(std::int64_t collection_id, std::string_view name, PropertyType type) {
  const std::pair key{collection_id, std::string(name)};
  auto known = properties_.find(key);
  if (known == properties_.end()) {
    const std::array<Value, 2> parameters{collection_id, std::string(name)};
    TRIUNE_ASSIGN(
        const RowSet found,
        session_.query("SELECT type FROM triune_properties WHERE collection_id = ?1 AND name = ?2", parameters, 1));
    if (!found.rows.empty()) known = properties_.emplace(key, parse_type(text(found.rows[0][0]))).first;
  }
  const PropertyType wanted = known == properties_.end() ? type : widen(known->second, type);
  if (known != properties_.end() && known->second == wanted) return {};
  if (name.empty() || name.size() > 200)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("a property needs a name of 1 to 200 bytes, this one has {}", name.size()));
  const std::array<Value, 3> parameters{collection_id, std::string(name), std::string(type_name(wanted))};
  TRIUNE_TRY(
      session_.execute("INSERT INTO triune_properties (collection_id, name, type) VALUES (?1, ?2, ?3) "
                       "ON CONFLICT (collection_id, name) DO UPDATE SET type = excluded.type",
                       parameters));
  properties_[key] = wanted;
  changed_ = true;
  return {};
}

Status CatalogWriter::edge_end(std::int64_t type_id, std::int64_t from_label_id, std::int64_t to_label_id) {
  const std::tuple key{type_id, from_label_id, to_label_id};
  if (snapshot_->edge_ends.contains(key) || edge_ends_.contains(key)) return {};
  const std::array<Value, 3> parameters{type_id, from_label_id, to_label_id};
  TRIUNE_ASSIGN(const std::uint64_t made,
                session_.execute("INSERT INTO triune_edge_ends (type_id, from_label_id, to_label_id) "
                                 "VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                                 parameters));
  changed_ = changed_ || made > 0;
  edge_ends_.insert(key);
  return {};
}

}  // namespace triune::projection
