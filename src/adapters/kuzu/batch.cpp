#include "adapters/kuzu/batch.h"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "adapters/kuzu/kuzu_error.h"
#include "base/try.h"
#include "model/json.h"

namespace triune::adapters::kuzu {
namespace {

using contract::PropertyDefinition;
using contract::PropertyType;

std::string describe(const NodeReference& node) {
  return fmt::format("node {}:'{}'", node.label, node.id);
}

std::string describe(const EdgeReference& edge) {
  return fmt::format("edge {} from {} to {}", edge.type, describe(edge.from), describe(edge.to));
}

Status refuse(std::string message) {
  return kuzu_failure(ErrorCode::invalid_argument, std::move(message));
}

Status check_text(std::string_view text, const std::string& owner, std::string_view what) {
  if (text.size() > longest_text)
    return refuse(
        fmt::format("{} of {} has {} bytes, more than the {} that the graph keeps; store it as a blob or a row", what,
                    owner, text.size(), longest_text));
  if (!model::is_storable_text(text)) return refuse(fmt::format("{} of {} is not UTF-8 text without NUL", what, owner));
  return {};
}

bool fits(const Value& value, PropertyType type) {
  switch (type) {
    case PropertyType::boolean: return std::holds_alternative<bool>(value);
    case PropertyType::int64: return std::holds_alternative<std::int64_t>(value);
    case PropertyType::float64:
      return std::holds_alternative<double>(value) || std::holds_alternative<std::int64_t>(value);
    case PropertyType::text: return std::holds_alternative<std::string>(value) || std::holds_alternative<Json>(value);
  }
  return false;
}

Status check_properties(const Record& record, const std::vector<PropertyDefinition>& properties,
                        const std::string& owner) {
  for (auto field = record.begin(); field != record.end(); ++field) {
    const auto same_name = [&](const Field& other) { return other.name == field->name; };
    if (std::find_if(record.begin(), field, same_name) != field)
      return refuse(fmt::format("property '{}' of {} is given twice", field->name, owner));
    if (is_null(field->value)) continue;  // a NULL needs no column
    const auto* property = find_property(properties, field->name);
    if (property == nullptr)
      return refuse(
          fmt::format("property '{}' of {} is not in the schema; call ensure_schema first", field->name, owner));
    if (!fits(field->value, property->type))
      return refuse(fmt::format("property '{}' of {} must be {}", field->name, owner, cypher_type(property->type)));
    if (const auto* text = std::get_if<std::string>(&field->value))
      TRIUNE_TRY(check_text(*text, owner, "property '" + field->name + "'"));
    if (const auto* json = std::get_if<Json>(&field->value))
      TRIUNE_TRY(check_text(json->text, owner, "property '" + field->name + "'"));
  }
  return {};
}

Status check_ends(const EdgeReference& edge, const Catalogue& catalogue) {
  const auto* type = catalogue.type(edge.type);
  if (type == nullptr) return refuse(fmt::format("edge type '{}' does not exist; call ensure_schema first", edge.type));
  const auto ends = std::pair(edge.from.label, edge.to.label);
  if (std::find(type->ends.begin(), type->ends.end(), ends) == type->ends.end())
    return refuse(fmt::format("edge type '{}' does not go from '{}' to '{}'; call ensure_schema first", edge.type,
                              edge.from.label, edge.to.label));
  return {};
}

// Texts joined so that different lists never give one text.
std::string key_of(std::initializer_list<std::string_view> parts) {
  std::string key;
  for (const auto part : parts) key += fmt::format("{}:{}", part.size(), part);
  return key;
}

std::string key_of(const NodeReference& node) {
  return key_of({node.label, node.id});
}

std::string key_of(const EdgeReference& edge) {
  return key_of({edge.type, edge.from.label, edge.from.id, edge.to.label, edge.to.id});
}

// Kuzu crashes on a key that occurs twice in one UNWIND.
template <class List, class Reference>
Status check_unique(const List& list, const Reference& reference) {
  std::unordered_set<std::string> seen;
  seen.reserve(list.size());
  for (const auto& entry : list)
    if (!seen.insert(key_of(reference(entry))).second)
      return refuse(fmt::format("{} occurs twice in one list of the batch; keep the last", describe(reference(entry))));
  return {};
}

Status check_uniqueness(const contract::GraphBatch& batch) {
  const auto itself = [](const auto& reference) -> const auto& { return reference; };
  TRIUNE_TRY(check_unique(batch.put_nodes, [](const PutNode& put) -> const NodeReference& { return put.node; }));
  TRIUNE_TRY(check_unique(batch.put_edges, [](const PutEdge& put) -> const EdgeReference& { return put.edge; }));
  TRIUNE_TRY(check_unique(batch.delete_nodes, itself));
  return check_unique(batch.delete_edges, itself);
}

}  // namespace

Status check_node(const PutNode& node, const Catalogue& catalogue) {
  const auto* label = catalogue.label(node.node.label);
  if (label == nullptr)
    return refuse(fmt::format("label '{}' does not exist; call ensure_schema first", node.node.label));
  TRIUNE_TRY(check_text(node.node.id, describe(node.node), "the id"));
  return check_properties(node.properties, label->properties, describe(node.node));
}

Status check_edge(const PutEdge& edge, const Catalogue& catalogue) {
  TRIUNE_TRY(check_ends(edge.edge, catalogue));
  return check_properties(edge.properties, catalogue.type(edge.edge.type)->properties, describe(edge.edge));
}

void append_in_order(const Record& record, const std::vector<PropertyDefinition>& properties, std::vector<Value>& to) {
  for (const auto& property : properties) {
    const auto* value = find(record, property.name);
    to.push_back(value == nullptr ? Value(Null{}) : *value);
  }
}

Result<SortedBatch> sort_batch(const contract::GraphBatch& batch, const Catalogue& catalogue) {
  TRIUNE_TRY(check_uniqueness(batch));
  SortedBatch sorted;
  for (const auto& put : batch.put_nodes) {
    TRIUNE_TRY(check_node(put, catalogue));
    sorted.put_nodes[put.node.label].push_back(&put);
  }
  for (const auto& put : batch.put_edges) {
    TRIUNE_TRY(check_edge(put, catalogue));
    sorted.put_edges[{put.edge.type, put.edge.from.label, put.edge.to.label}].push_back(&put);
  }
  for (const auto& node : batch.delete_nodes)
    if (catalogue.label(node.label) != nullptr) sorted.delete_nodes[node.label].push_back(node.id);
  for (const auto& edge : batch.delete_edges)
    if (check_ends(edge, catalogue)) sorted.delete_edges[{edge.type, edge.from.label, edge.to.label}].push_back(&edge);
  return sorted;
}

}  // namespace triune::adapters::kuzu
