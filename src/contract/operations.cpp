#include "contract/operations.h"

#include "base/try.h"

namespace triune::contract {
namespace {

Result<std::vector<PropertyDefinition>> definitions(const Record& properties) {
  std::vector<PropertyDefinition> result;
  for (const auto& field : properties) {
    if (is_null(field.value)) continue;
    TRIUNE_ASSIGN(const PropertyType type, property_type(field.value));
    result.push_back({field.name, type});
  }
  return result;
}

}  // namespace

Result<PropertyType> property_type(const Value& value) {
  if (std::holds_alternative<bool>(value)) return PropertyType::boolean;
  if (std::holds_alternative<std::int64_t>(value)) return PropertyType::int64;
  if (std::holds_alternative<double>(value)) return PropertyType::float64;
  if (std::holds_alternative<std::string>(value) || std::holds_alternative<Json>(value)) return PropertyType::text;
  return failure(ErrorCode::invalid_argument, "a graph property cannot be NULL-typed or bytes; keep bytes in a blob");
}

Status create_node(GraphStore& store, const PutNode& node, Deadline deadline) {
  TRIUNE_ASSIGN(auto properties, definitions(node.properties));
  TRIUNE_TRY(store.ensure_schema({.labels = {{node.node.label, std::move(properties)}}, .types = {}}));
  GraphBatch batch;
  batch.put_nodes.push_back(node);
  return store.apply(batch, deadline);
}

Status create_relationship(GraphStore& store, const PutEdge& edge, Deadline deadline) {
  TRIUNE_ASSIGN(auto properties, definitions(edge.properties));
  EdgeType type{.name = edge.edge.type,
                .ends = {{edge.edge.from.label, edge.edge.to.label}},
                .properties = std::move(properties)};
  TRIUNE_TRY(store.ensure_schema({.labels = {}, .types = {std::move(type)}}));
  GraphBatch batch;
  batch.put_edges.push_back(edge);
  return store.apply(batch, deadline);
}

Status store_embedding(VectorStore& store, std::string_view collection, VectorEntry entry) {
  VectorBatch batch;
  batch.puts.push_back(std::move(entry));
  return store.apply(collection, batch);
}

Health health(GraphStore& store) {
  auto statistics = store.statistics();
  return statistics ? Health{true, store.capabilities().engine} : Health{false, statistics.error().message};
}

Health health(VectorStore& store, std::string_view collection) {
  auto statistics = store.statistics(collection);
  return statistics ? Health{true, store.capabilities().engine} : Health{false, statistics.error().message};
}

}  // namespace triune::contract
