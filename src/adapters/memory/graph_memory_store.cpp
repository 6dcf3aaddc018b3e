#include "adapters/memory/graph_memory_store.h"

#include <algorithm>

#include "adapters/memory/graph_questions.h"
#include "base/try.h"

namespace triune::adapters::memory {
namespace {

using contract::PropertyDefinition;
using contract::PropertyType;

constexpr std::uint64_t longest_text = 64U << 10U;

std::unexpected<Error> refuse(ErrorCode code, std::string message, Retry retry = Retry::never) {
  Error error{.code = code, .message = std::move(message), .engine = "memory", .native_code = {}};
  error.retry = retry;
  return std::unexpected<Error>(std::move(error));
}

Status check_deadline(Deadline deadline) {
  if (!deadline.expired()) return {};
  return refuse(ErrorCode::deadline_exceeded, "the deadline passed before the call began", Retry::safe);
}

// The record as every engine gives it back: in the order of the schema, without NULLs, integers in a float64 as
// numbers, JSON as its text.
Record normal(const Record& record, const std::vector<PropertyDefinition>& properties) {
  Record result;
  for (const auto& property : properties) {
    const auto* value = find(record, property.name);
    if (value == nullptr || is_null(*value)) continue;
    const auto* integer = std::get_if<std::int64_t>(value);
    const auto* json = std::get_if<Json>(value);
    if (integer != nullptr && property.type == PropertyType::float64)
      result.push_back({property.name, static_cast<double>(*integer)});
    else
      result.push_back({property.name, json != nullptr ? Value(json->text) : *value});
  }
  return result;
}

void add_properties(std::vector<PropertyDefinition>& to, const std::vector<PropertyDefinition>& wanted) {
  for (const auto& property : wanted)
    if (contract::find_property(to, property.name) == nullptr) to.push_back(property);
}

void delete_node(GraphData& graph, const NodeKey& node) {
  if (graph.nodes.erase(node) == 0) return;
  std::erase_if(graph.edges,
                [&](const auto& edge) { return std::get<1>(edge.first) == node || std::get<2>(edge.first) == node; });
}

// Deletes first, edges after the nodes they need.
Status change(GraphData& graph, const contract::GraphBatch& batch) {
  for (const auto& edge : batch.delete_edges) graph.edges.erase(key_of(edge));
  for (const auto& node : batch.delete_nodes) delete_node(graph, key_of(node));
  for (const auto& put : batch.put_nodes)
    graph.nodes[key_of(put.node)] = normal(put.properties, graph.schema.label(put.node.label)->properties);
  for (const auto& put : batch.put_edges) {
    for (const auto* end : {&put.edge.from, &put.edge.to})
      if (!graph.nodes.contains(key_of(*end)))
        return refuse(ErrorCode::invalid_argument, contract::missing_end_message(*end));
    graph.edges[key_of(put.edge)] = normal(put.properties, graph.schema.type(put.edge.type)->properties);
  }
  return {};
}

}  // namespace

contract::GraphCapabilities MemoryGraphStore::capabilities() const {
  return {.engine = "memory",
          .query_language = false,
          .analytics = true,
          .persistent = false,
          .max_text_bytes = longest_text};
}

Status MemoryGraphStore::ensure_schema(const contract::GraphSchema& schema) {
  const std::scoped_lock lock(mutex_);
  TRIUNE_TRY(contract::check_schema(graph_.schema, schema));
  for (const auto& label : schema.labels) {
    auto& known = graph_.schema.labels[label.name];
    known.name = label.name;
    add_properties(known.properties, label.properties);
  }
  for (const auto& type : schema.types) {
    auto& known = graph_.schema.types[type.name];
    known.name = type.name;
    add_properties(known.properties, type.properties);
    for (const auto& ends : type.ends)
      if (std::find(known.ends.begin(), known.ends.end(), ends) == known.ends.end()) known.ends.push_back(ends);
  }
  return {};
}

Status MemoryGraphStore::apply(const contract::GraphBatch& batch, Deadline deadline) {
  TRIUNE_TRY(check_deadline(deadline));
  const std::scoped_lock lock(mutex_);
  TRIUNE_TRY(contract::check_batch(batch, graph_.schema, longest_text));
  auto changed = graph_;  // all or nothing
  TRIUNE_TRY(change(changed, batch));
  graph_ = std::move(changed);
  if (batch.position) position_ = batch.position;
  return {};
}

Status MemoryGraphStore::bulk_load(const contract::GraphSchema& schema, contract::GraphSource& source,
                                   const contract::Position& position) {
  TRIUNE_TRY(ensure_schema(schema));
  const std::scoped_lock lock(mutex_);
  if (!graph_.nodes.empty() || position_)
    return refuse(ErrorCode::conflict, "the graph is not empty; bulk_load needs a new one");
  contract::GraphBatch batch;
  for (const auto& label : schema.labels)
    TRIUNE_TRY(source.visit_nodes(label.name, [&](const PutNode& node) -> Status {
      batch.put_nodes.push_back(node);
      return {};
    }));
  for (const auto& type : schema.types)
    TRIUNE_TRY(source.visit_edges(type.name, [&](const PutEdge& edge) -> Status {
      batch.put_edges.push_back(edge);
      return {};
    }));
  TRIUNE_TRY(contract::check_batch(batch, graph_.schema, longest_text));
  TRIUNE_TRY(change(graph_, batch));
  position_ = position;
  return {};
}

Result<std::optional<contract::Position>> MemoryGraphStore::position() {
  const std::scoped_lock lock(mutex_);
  return position_;
}

Result<contract::TypedRows> MemoryGraphStore::query(std::string_view /*cypher*/, const Record& /*parameters*/,
                                                    const contract::GraphQueryOptions& /*options*/) {
  return refuse(ErrorCode::unsupported, "the memory engine has no query language");
}

Result<std::vector<Neighbor>> MemoryGraphStore::neighbors(const NeighborsQuery& query, Deadline deadline) {
  TRIUNE_TRY(contract::check_query(query));
  TRIUNE_TRY(check_deadline(deadline));
  const std::scoped_lock lock(mutex_);
  return find_neighbors(graph_, query);
}

Result<Path> MemoryGraphStore::shortest_path(const PathQuery& query, Deadline deadline) {
  TRIUNE_TRY(contract::check_query(query));
  TRIUNE_TRY(check_deadline(deadline));
  const std::scoped_lock lock(mutex_);
  return find_shortest_path(graph_, query);
}

Result<std::uint64_t> MemoryGraphStore::count_paths(const PathCountQuery& query, Deadline deadline) {
  TRIUNE_TRY(contract::check_query(query));
  TRIUNE_TRY(check_deadline(deadline));
  const std::scoped_lock lock(mutex_);
  return count_walks(graph_, query);
}

Result<std::vector<contract::NodeScore>> MemoryGraphStore::analyze(const contract::GraphAnalysis& analysis,
                                                                   Deadline deadline) {
  TRIUNE_TRY(check_deadline(deadline));
  const std::scoped_lock lock(mutex_);
  TRIUNE_TRY(contract::check_analysis(analysis, graph_.schema));
  return memory::analyze(graph_, analysis);
}

Result<contract::GraphStatistics> MemoryGraphStore::statistics() {
  const std::scoped_lock lock(mutex_);
  contract::GraphStatistics statistics;
  statistics.nodes = graph_.nodes.size();
  statistics.edges = graph_.edges.size();
  for (const auto& [name, label] : graph_.schema.labels) {
    const auto is_of_label = [&](const auto& node) { return node.first.first == name; };
    statistics.nodes_by_label.emplace_back(name, std::count_if(graph_.nodes.begin(), graph_.nodes.end(), is_of_label));
  }
  for (const auto& [name, type] : graph_.schema.types) {
    const auto is_of_type = [&](const auto& edge) { return std::get<0>(edge.first) == name; };
    statistics.edges_by_type.emplace_back(name, std::count_if(graph_.edges.begin(), graph_.edges.end(), is_of_type));
  }
  return statistics;
}

Status MemoryGraphStore::scan(const contract::GraphSchema& schema, const contract::GraphVisitor& visitor) {
  const std::scoped_lock lock(mutex_);
  for (const auto& label : schema.labels)
    for (const auto& [key, properties] : graph_.nodes)
      if (key.first == label.name) TRIUNE_TRY(visitor.node({reference_of(key), properties}));
  for (const auto& type : schema.types)
    for (const auto& [key, properties] : graph_.edges)
      if (std::get<0>(key) == type.name)
        TRIUNE_TRY(
            visitor.edge({{type.name, reference_of(std::get<1>(key)), reference_of(std::get<2>(key))}, properties}));
  return {};
}

}  // namespace triune::adapters::memory
