#include "hive/stored_definition.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "hive/definition_sql.h"
#include "hive/postgres_definitions.h"
#include "model/json.h"

namespace triune::hive {
namespace {

using projection::CollectionKind;

constexpr std::size_t definition_limit = 100'000;

std::string json_list(const std::vector<std::string>& names) {
  std::string json = "[";
  for (const auto& name : names) json += (json.size() > 1 ? "," : "") + model::json_string(name);
  return json + "]";
}

/// The columns that each kind of definition names.
std::vector<std::string*> columns_of(NodeMapping& mapping) {
  std::vector<std::string*> columns;
  for (auto& column : mapping.properties) columns.push_back(&column);
  return columns;
}

std::vector<std::string*> columns_of(EdgeMapping& mapping) {
  std::vector<std::string*> columns{&mapping.from_column, &mapping.to_column};
  for (auto& column : mapping.properties) columns.push_back(&column);
  return columns;
}

std::vector<std::string*> columns_of(TextIndex& index) {
  std::vector<std::string*> columns;
  for (auto& column : index.columns) columns.push_back(&column);
  return columns;
}

Status check_column(const TableShape& shape, std::string_view column) {
  if (shape.column(column) != nullptr) return {};
  return failure(ErrorCode::invalid_argument, fmt::format("table {} has no column {}", shape.name, column));
}

/// Registers the types of columns that can hold nothing else; of the others the projector learns from the values.
Status register_columns(projection::CatalogWriter& catalog, std::int64_t collection_id, const TableShape& shape,
                        const std::vector<std::string>& columns) {
  Record examples;
  for (const auto& name : columns) {
    const auto& type = shape.column(name)->type;
    if (type == "INTEGER" || type == "INT" || type == "BIGINT") examples.push_back({name, std::int64_t{0}});
    if (type == "REAL") examples.push_back({name, 0.0});
    if (type == "TEXT") examples.push_back({name, std::string()});
  }
  return catalog.properties(collection_id, examples);
}

struct Translator {
  contract::RelationalSession& session;
  projection::CatalogWriter& catalog;
  std::int64_t organization;

  Result<DefinitionSql> operator()(const NodeMapping& mapping) const {
    TRIUNE_ASSIGN(const TableShape shape, describe_table(session, mapping.table));
    TRIUNE_ASSIGN(const std::string key, single_key(shape));
    auto columns = mapping.properties;
    for (const auto& column : columns) TRIUNE_TRY(check_column(shape, column));
    if (columns.empty())
      for (const auto& column : shape.columns)
        if (column.name != key) columns.push_back(column.name);
    std::erase(columns, "id");  // the node's own id has that name
    TRIUNE_ASSIGN(const std::int64_t label, catalog.collection(organization, CollectionKind::label, mapping.label));
    TRIUNE_TRY(register_columns(catalog, label, shape, columns));
    if (session.dialect() == contract::Dialect::postgres)
      return postgres::node_sql(organization, label, mapping, key, columns);
    TRIUNE_ASSIGN(const auto constraints, unique_constraints(session, shape));
    const NodeSql sql{organization, label, mapping, key, columns};
    return DefinitionSql{sql.base(), sql.objects(shape, constraints), sql.fill(), sql.refresh(), sql.clear()};
  }

  Result<DefinitionSql> operator()(const EdgeMapping& mapping) const {
    TRIUNE_ASSIGN(const TableShape shape, describe_table(session, mapping.table));
    TRIUNE_TRY(check_column(shape, mapping.from_column));
    TRIUNE_TRY(check_column(shape, mapping.to_column));
    for (const auto& column : mapping.properties) TRIUNE_TRY(check_column(shape, column));
    EdgeSql sql{.organization = organization, .mapping = mapping};
    TRIUNE_ASSIGN(sql.type, catalog.collection(organization, CollectionKind::type, mapping.type));
    TRIUNE_ASSIGN(sql.from_label, catalog.collection(organization, CollectionKind::label, mapping.from_label));
    TRIUNE_ASSIGN(sql.to_label, catalog.collection(organization, CollectionKind::label, mapping.to_label));
    TRIUNE_TRY(catalog.edge_end(sql.type, sql.from_label, sql.to_label));
    TRIUNE_TRY(register_columns(catalog, sql.type, shape, mapping.properties));
    if (session.dialect() == contract::Dialect::postgres)
      return postgres::edge_sql({organization, sql.type, sql.from_label, sql.to_label}, mapping, shape);
    TRIUNE_ASSIGN(const auto constraints, unique_constraints(session, shape));
    return DefinitionSql{sql.base(), sql.objects(shape, constraints), sql.fill(), {}, sql.clear()};
  }

  Result<DefinitionSql> operator()(const TextIndex& index) const {
    TRIUNE_ASSIGN(const TableShape shape, describe_table(session, index.table));
    TextSql sql{.organization = organization, .index = index, .key = {}};
    TRIUNE_ASSIGN(sql.key, single_key(shape));
    for (const auto& column : index.columns) TRIUNE_TRY(check_column(shape, column));
    if (session.dialect() == contract::Dialect::postgres) return postgres::text_sql(organization, index);
    TRIUNE_ASSIGN(const auto constraints, unique_constraints(session, shape));
    return DefinitionSql{sql.base(), sql.objects(shape, constraints), sql.fill(), {}, sql.clear()};
  }
};

/// A member of a definition that is a text; empty when there is none.
std::string text_member(const Record& definition, std::string_view name) {
  const auto* const value = find(definition, name);
  return value == nullptr ? std::string() : to_text(*value);
}

/// A member of a definition that is a list of texts.
Result<std::vector<std::string>> text_list(contract::RelationalSession& session, const Record& definition,
                                           std::string_view name) {
  const std::array<Value, 1> parameters{text_member(definition, name)};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query(fmt::format("SELECT k.value FROM {} k ORDER BY k.key", text_set(session.dialect(), 1)),
                              parameters, definition_limit));
  std::vector<std::string> names;
  for (const auto& row : rows.rows) names.push_back(to_text(row[0]));
  return names;
}

}  // namespace

std::string_view StoredDefinition::kind() const {
  constexpr std::array<std::string_view, 3> kinds{"node_mapping", "edge_mapping", "text_index"};
  return kinds.at(what.index());
}

const std::string& StoredDefinition::name() const {
  if (const auto* const nodes = std::get_if<NodeMapping>(&what)) return nodes->label;
  if (const auto* const edges = std::get_if<EdgeMapping>(&what)) return edges->type;
  return std::get<TextIndex>(what).name;
}

const std::string& StoredDefinition::table() const {
  return std::visit([](const auto& one) -> const std::string& { return one.table; }, what);
}

std::string StoredDefinition::spoken() const {
  constexpr std::array<std::string_view, 3> words{"label", "edge type", "text index"};
  return fmt::format("{} {}", words.at(what.index()), name());
}

std::string StoredDefinition::definition() const {
  using model::json_string;
  if (const auto* const nodes = std::get_if<NodeMapping>(&what))
    return fmt::format(R"({{"table":{},"label":{},"properties":{}}})", json_string(nodes->table),
                       json_string(nodes->label), json_list(nodes->properties));
  if (const auto* const edges = std::get_if<EdgeMapping>(&what))
    return fmt::format(
        R"({{"table":{},"type":{},"from_column":{},"from_label":{},"to_column":{},"to_label":{},"properties":{}}})",
        json_string(edges->table), json_string(edges->type), json_string(edges->from_column),
        json_string(edges->from_label), json_string(edges->to_column), json_string(edges->to_label),
        json_list(edges->properties));
  const auto& index = std::get<TextIndex>(what);
  return fmt::format(R"({{"table":{},"columns":{}}})", json_string(index.table), json_list(index.columns));
}

bool StoredDefinition::uses(std::string_view column) const {
  auto copy = what;
  const auto columns = std::visit([](auto& one) { return columns_of(one); }, copy);
  return std::any_of(columns.begin(), columns.end(), [&](const auto* one) { return *one == column; });
}

bool StoredDefinition::forget_columns(const std::function<bool(std::string_view)>& gone) {
  if (auto* const nodes = std::get_if<NodeMapping>(&what)) return std::erase_if(nodes->properties, gone) > 0;
  if (auto* const edges = std::get_if<EdgeMapping>(&what)) {
    std::erase_if(edges->properties, gone);
    return !gone(edges->from_column) && !gone(edges->to_column);
  }
  auto& columns = std::get<TextIndex>(what).columns;
  std::erase_if(columns, gone);
  return !columns.empty();
}

void StoredDefinition::rename_table(std::string_view table) {
  std::visit([&](auto& one) { one.table = table; }, what);
}

void StoredDefinition::rename_column(std::string_view from, std::string_view to) {
  for (auto* const column : std::visit([](auto& one) { return columns_of(one); }, what))
    if (*column == from) *column = to;
}

Result<DefinitionSql> translate(contract::RelationalSession& session, projection::CatalogWriter& catalog,
                                const StoredDefinition& definition) {
  return std::visit(Translator{session, catalog, definition.organization_id}, definition.what);
}

Result<std::vector<StoredDefinition>> stored_definitions(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT organization_id, kind, name, table_name, definition FROM triune_definitions "
                              "ORDER BY organization_id, kind DESC, name",
                              {}, definition_limit));
  std::vector<StoredDefinition> definitions;
  for (const auto& row : rows.rows) {
    auto& one = definitions.emplace_back();
    one.organization_id = std::get<std::int64_t>(row[0]);
    const auto kind = to_text(row[1]);
    TRIUNE_ASSIGN(const Record parts, model::parse_json_object(to_text(row[4])));
    TRIUNE_ASSIGN(auto columns, text_list(session, parts, kind == "text_index" ? "columns" : "properties"));
    if (kind == "node_mapping")
      one.what = NodeMapping{.table = to_text(row[3]), .label = to_text(row[2]), .properties = std::move(columns)};
    else if (kind == "edge_mapping")
      one.what = EdgeMapping{to_text(row[3]),
                             to_text(row[2]),
                             text_member(parts, "from_column"),
                             text_member(parts, "from_label"),
                             text_member(parts, "to_column"),
                             text_member(parts, "to_label"),
                             std::move(columns)};
    else
      one.what = TextIndex{.name = to_text(row[2]), .table = to_text(row[3]), .columns = std::move(columns)};
  }
  return definitions;
}

Status store_definition(contract::RelationalSession& session, const StoredDefinition& definition) {
  const std::array<Value, 5> parameters{definition.organization_id, std::string(definition.kind()), definition.name(),
                                        definition.table(), definition.definition()};
  TRIUNE_TRY(
      session.execute("INSERT INTO triune_definitions (organization_id, kind, name, table_name, definition) "
                      "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (organization_id, kind, name) "
                      "DO UPDATE SET table_name = excluded.table_name, definition = excluded.definition",
                      parameters));
  return {};
}

Status forget_definition(contract::RelationalSession& session, const StoredDefinition& definition) {
  const std::array<Value, 3> parameters{definition.organization_id, std::string(definition.kind()), definition.name()};
  TRIUNE_TRY(session.execute("DELETE FROM triune_definitions WHERE organization_id = ?1 AND kind = ?2 AND name = ?3",
                             parameters));
  return {};
}

Result<std::string> single_key(const TableShape& shape) {
  const auto key = shape.key();
  if (key.size() == 1) return key[0];
  return failure(ErrorCode::invalid_argument,
                 fmt::format("table {} needs a primary key of one column, it has {}", shape.name, key.size()));
}

}  // namespace triune::hive
