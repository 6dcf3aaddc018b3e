#include "contract/graph_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_set>

#include "base/try.h"
#include "model/json.h"

namespace triune::contract {
namespace {

std::unexpected<Error> refuse(std::string message) {
  return failure(ErrorCode::invalid_argument, std::move(message));
}

std::string_view word(PropertyType type) {
  switch (type) {
    case PropertyType::boolean: return "a boolean";
    case PropertyType::int64: return "an integer";
    case PropertyType::float64: return "a number";
    case PropertyType::text: return "text";
  }
  return "text";
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

const std::string* text_of(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return text;
  if (const auto* json = std::get_if<Json>(&value)) return &json->text;
  return nullptr;
}

// The owner of a value, put into words only when something is wrong with it: millions are checked in a load.
struct Owner {
  const NodeReference* node = nullptr;
  const EdgeReference* edge = nullptr;
  [[nodiscard]] std::string text() const { return node != nullptr ? describe(*node) : describe(*edge); }
};

Status check_text(std::string_view text, std::uint64_t max_bytes, const Field* field, const Owner& owner) {
  const auto what = [&] {
    return field == nullptr ? std::string("the id") : fmt::format("property '{}'", field->name);
  };
  if (text.size() > max_bytes)
    return refuse(
        fmt::format("{} of {} has {} bytes, more than the {} that the graph keeps; store it as a blob or a row", what(),
                    owner.text(), text.size(), max_bytes));
  if (!model::is_storable_text(text))
    return refuse(fmt::format("{} of {} is not UTF-8 text without NUL", what(), owner.text()));
  return {};
}

Status check_value(const Field& field, const std::vector<PropertyDefinition>& properties, const Owner& owner,
                   std::uint64_t max_text_bytes) {
  if (is_null(field.value)) return {};
  const auto* property = find_property(properties, field.name);
  if (property == nullptr)
    return refuse(
        fmt::format("property '{}' of {} is not in the schema; call ensure_schema first", field.name, owner.text()));
  if (!fits(field.value, property->type))
    return refuse(fmt::format("property '{}' of {} must be {}", field.name, owner.text(), word(property->type)));
  const auto* text = text_of(field.value);
  return text == nullptr ? Status() : check_text(*text, max_text_bytes, &field, owner);
}

Status check_record(const Record& record, const std::vector<PropertyDefinition>& properties, const Owner& owner,
                    std::uint64_t max_text_bytes) {
  for (auto field = record.begin(); field != record.end(); ++field) {
    const auto same_name = [&](const Field& other) { return other.name == field->name; };
    if (std::find_if(record.begin(), field, same_name) != field)
      return refuse(fmt::format("property '{}' of {} is given twice", field->name, owner.text()));
    TRIUNE_TRY(check_value(*field, properties, owner, max_text_bytes));
  }
  return {};
}

Status check_definitions(std::string_view owner, const std::vector<PropertyDefinition>& known,
                         const std::vector<PropertyDefinition>& wanted) {
  std::set<std::string_view> seen;
  for (const auto& property : wanted) {
    if (property.name == "id")
      return refuse(fmt::format("'{}' cannot have a property `id`: it is the key of every node", owner));
    if (!seen.insert(property.name).second)
      return refuse(fmt::format("property '{}' of '{}' is given twice", property.name, owner));
    const auto* old = find_property(known, property.name);
    if (old != nullptr && old->type != property.type)
      return failure(ErrorCode::conflict,
                     fmt::format("property '{}' of '{}' is {} and cannot become {}; rebuild the graph", property.name,
                                 owner, word(old->type), word(property.type)));
  }
  return {};
}

// Keys joined so that different ones never give one text.
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

template <class List, class Reference>
Status check_unique(const List& list, const Reference& reference) {
  std::unordered_set<std::string> seen;
  seen.reserve(list.size());
  for (const auto& entry : list)
    if (!seen.insert(key_of(reference(entry))).second)
      return refuse(fmt::format("{} occurs twice in one list of the batch; keep the last", describe(reference(entry))));
  return {};
}

Status check_unique_keys(const GraphBatch& batch) {
  const auto itself = [](const auto& reference) -> const auto& { return reference; };
  TRIUNE_TRY(check_unique(batch.put_nodes, [](const PutNode& put) -> const NodeReference& { return put.node; }));
  TRIUNE_TRY(check_unique(batch.put_edges, [](const PutEdge& put) -> const EdgeReference& { return put.edge; }));
  TRIUNE_TRY(check_unique(batch.delete_nodes, itself));
  return check_unique(batch.delete_edges, itself);
}

}  // namespace

const NodeLabel* KnownSchema::label(std::string_view name) const {
  const auto found = labels.find(name);
  return found == labels.end() ? nullptr : &found->second;
}

const EdgeType* KnownSchema::type(std::string_view name) const {
  const auto found = types.find(name);
  return found == types.end() ? nullptr : &found->second;
}

bool KnownSchema::allows(const EdgeReference& edge) const {
  const auto* known = type(edge.type);
  const auto ends = std::pair(edge.from.label, edge.to.label);
  return known != nullptr && std::find(known->ends.begin(), known->ends.end(), ends) != known->ends.end();
}

const PropertyDefinition* find_property(const std::vector<PropertyDefinition>& properties, std::string_view name) {
  const auto found = std::find_if(properties.begin(), properties.end(),
                                  [&](const PropertyDefinition& property) { return property.name == name; });
  return found == properties.end() ? nullptr : &*found;
}

Status check_schema(const KnownSchema& known, const GraphSchema& wanted) {
  static const std::vector<PropertyDefinition> none;
  std::set<std::string_view> labels;
  for (const auto& label : wanted.labels) {
    if (label.name.empty()) return refuse("a label has no name");
    if (!labels.insert(label.name).second) return refuse(fmt::format("label '{}' is given twice", label.name));
    const auto* old = known.label(label.name);
    TRIUNE_TRY(check_definitions(label.name, old ? old->properties : none, label.properties));
  }
  std::set<std::string_view> types;
  for (const auto& type : wanted.types) {
    if (type.name.empty()) return refuse("an edge type has no name");
    if (!types.insert(type.name).second) return refuse(fmt::format("edge type '{}' is given twice", type.name));
    const auto* old = known.type(type.name);
    TRIUNE_TRY(check_definitions(type.name, old ? old->properties : none, type.properties));
    for (const auto& [from, to] : type.ends)
      for (const auto& end : {from, to})
        if (known.label(end) == nullptr && !labels.contains(end))
          return refuse(fmt::format("edge type '{}' ends at label '{}', which does not exist; add the label first",
                                    type.name, end));
  }
  return {};
}

Status check_node(const PutNode& node, const KnownSchema& known, std::uint64_t max_text_bytes) {
  const auto* label = known.label(node.node.label);
  if (label == nullptr)
    return refuse(fmt::format("label '{}' does not exist; call ensure_schema first", node.node.label));
  const Owner owner{.node = &node.node, .edge = nullptr};
  TRIUNE_TRY(check_text(node.node.id, max_text_bytes, nullptr, owner));
  return check_record(node.properties, label->properties, owner, max_text_bytes);
}

Status check_edge(const PutEdge& edge, const KnownSchema& known, std::uint64_t max_text_bytes) {
  const auto* type = known.type(edge.edge.type);
  if (type == nullptr)
    return refuse(fmt::format("edge type '{}' does not exist; call ensure_schema first", edge.edge.type));
  if (!known.allows(edge.edge))
    return refuse(fmt::format("edge type '{}' does not go from '{}' to '{}'; call ensure_schema first", edge.edge.type,
                              edge.edge.from.label, edge.edge.to.label));
  return check_record(edge.properties, type->properties, Owner{.node = nullptr, .edge = &edge.edge}, max_text_bytes);
}

Status check_batch(const GraphBatch& batch, const KnownSchema& known, std::uint64_t max_text_bytes) {
  TRIUNE_TRY(check_unique_keys(batch));
  for (const auto& node : batch.put_nodes) TRIUNE_TRY(check_node(node, known, max_text_bytes));
  for (const auto& edge : batch.put_edges) TRIUNE_TRY(check_edge(edge, known, max_text_bytes));
  return {};
}

Status check_query(const NeighborsQuery& query) {
  if (query.depth < 1 || query.depth > 10) return refuse(fmt::format("depth is {}; it must be 1 to 10", query.depth));
  if (query.count < 1) return refuse("count is 0; ask for at least one node");
  return {};
}

Status check_query(const PathQuery& query) {
  if (query.max_length < 1 || query.max_length > 30)
    return refuse(fmt::format("max_length is {}; it must be 1 to 30", query.max_length));
  return {};
}

Status check_query(const PathCountQuery& query) {
  if (query.length < 1 || query.length > 5) return refuse(fmt::format("length is {}; it must be 1 to 5", query.length));
  return {};
}

Status check_analysis(const GraphAnalysis& analysis, const KnownSchema& known) {
  for (const auto& label : analysis.labels)
    if (known.label(label) == nullptr) return refuse(fmt::format("there is no label '{}' to analyse", label));
  for (const auto& type : analysis.types)
    if (known.type(type) == nullptr) return refuse(fmt::format("there is no edge type '{}' to analyse", type));
  return {};
}

std::string describe(const NodeReference& node) {
  return fmt::format("node {}:'{}'", node.label, node.id);
}

std::string describe(const EdgeReference& edge) {
  return fmt::format("edge {} from {} to {}", edge.type, describe(edge.from), describe(edge.to));
}

std::string missing_end_message(const NodeReference& end) {
  return fmt::format("{}, an end of an edge in the batch, does not exist; put it before or in the same batch",
                     describe(end));
}

}  // namespace triune::contract
