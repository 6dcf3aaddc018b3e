#include "conformance/graph/truth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <deque>
#include <limits>
#include <set>

namespace triune::conformance {
namespace {

using contract::PropertyType;

const std::vector<contract::PropertyDefinition>& properties_of(const contract::GraphSchema& schema,
                                                               const std::string& owner) {
  static const std::vector<contract::PropertyDefinition> none;
  for (const auto& label : schema.labels)
    if (label.name == owner) return label.properties;
  for (const auto& type : schema.types)
    if (type.name == owner) return type.properties;
  return none;
}

// As a scan gives it back: in the order of the schema, without NULL.
Record normal(const Record& record, const std::vector<contract::PropertyDefinition>& properties) {
  Record result;
  for (const auto& property : properties)
    if (const auto* value = find(record, property.name); value != nullptr && !is_null(*value))
      result.push_back({property.name, *value});
  return result;
}

// Shows the type too: 1, 1.0 and "1" differ.
std::string typed(const Record& record) {
  std::string text;
  for (const auto& field : record) {
    Record sole{field};
    text += " " + std::to_string(field.value.index()) + to_json(sole);
  }
  return text;
}

std::string line(const NodeReference& node, const Record& record) {
  return "node " + node.label + ":" + node.id + typed(record) + "\n";
}

std::string line(const EdgeReference& edge, const Record& record) {
  return "edge " + edge.type + " " + edge.from.label + ":" + edge.from.id + " -> " + edge.to.label + ":" + edge.to.id +
         typed(record) + "\n";
}

std::string joined(const std::multiset<std::string>& lines) {
  std::string text;
  for (const auto& each : lines) text += each;
  return text;
}

}  // namespace

void Truth::apply(const contract::GraphBatch& batch) {
  for (const auto& edge : batch.delete_edges) edges_.erase({edge.type, key(edge.from), key(edge.to)});
  for (const auto& node : batch.delete_nodes) {
    nodes_.erase(key(node));
    std::erase_if(edges_, [&](const auto& edge) {
      return std::get<1>(edge.first) == key(node) || std::get<2>(edge.first) == key(node);
    });
  }
  for (const auto& put : batch.put_nodes)
    nodes_[key(put.node)] = normal(put.properties, properties_of(schema_, put.node.label));
  for (const auto& put : batch.put_edges)
    edges_[{put.edge.type, key(put.edge.from), key(put.edge.to)}] =
        normal(put.properties, properties_of(schema_, put.edge.type));
}

Status Truth::visit_nodes(std::string_view label, const std::function<Status(const PutNode&)>& visitor) {
  for (const auto& [node, record] : nodes_) {
    if (node.first != label) continue;
    if (auto status = visitor({reference(node), record}); !status) return status;
  }
  return {};
}

Status Truth::visit_edges(std::string_view type, const std::function<Status(const PutEdge&)>& visitor) {
  for (const auto& [edge, record] : edges_) {
    const auto& [name, from, to] = edge;
    if (name != type) continue;
    if (auto status = visitor({{name, reference(from), reference(to)}, record}); !status) return status;
  }
  return {};
}

std::vector<Truth::NodeKey> Truth::ends(const NodeKey& node, const std::string& type, Direction direction) const {
  std::vector<NodeKey> result;
  for (const auto& [edge, record] : edges_) {
    const auto& [name, from, to] = edge;
    if (!type.empty() && name != type) continue;
    if (direction != Direction::in && from == node) result.push_back(to);
    if (direction != Direction::out && to == node) result.push_back(from);
  }
  return result;
}

std::map<Truth::NodeKey, std::uint32_t> Truth::distances(const NodeKey& start, const std::string& type,
                                                         Direction direction) const {
  std::map<NodeKey, std::uint32_t> found;
  if (!nodes_.contains(start)) return found;
  found[start] = 0;
  std::deque<NodeKey> waiting{start};
  while (!waiting.empty()) {
    const auto node = waiting.front();
    waiting.pop_front();
    for (const auto& end : ends(node, type, direction))
      if (found.try_emplace(end, found[node] + 1).second) waiting.push_back(end);
  }
  return found;
}

std::uint64_t Truth::walks(const std::string& type, std::uint32_t length, const NodeKey* from) const {
  std::map<NodeKey, std::uint64_t> at;
  for (const auto& [node, record] : nodes_)
    if (from == nullptr || *from == node) at[node] = 1;
  for (std::uint32_t step = 0; step < length; ++step) {
    std::map<NodeKey, std::uint64_t> next;
    for (const auto& [node, count] : at)
      for (const auto& end : ends(node, type, Direction::out)) next[end] += count;
    at = std::move(next);
  }
  std::uint64_t total = 0;
  for (const auto& [node, count] : at) total += count;
  return total;
}

bool Truth::is_step(const NodeReference& from, const NodeReference& to, const std::string& type,
                    Direction direction) const {
  const auto found = ends(key(from), type, direction);
  return std::find(found.begin(), found.end(), key(to)) != found.end();
}

std::string Truth::text() const {
  std::multiset<std::string> lines;
  for (const auto& [node, record] : nodes_) lines.insert(line(reference(node), record));
  for (const auto& [edge, record] : edges_)
    lines.insert(line({std::get<0>(edge), reference(std::get<1>(edge)), reference(std::get<2>(edge))}, record));
  return joined(lines);
}

std::string Truth::text_of(contract::GraphStore& store, const contract::GraphSchema& schema) {
  std::multiset<std::string> lines;
  const auto status = store.scan(schema, {.node = [&](const PutNode& node) -> Status {
                                            lines.insert(line(node.node, node.properties));
                                            return {};
                                          },
                                          .edge = [&](const PutEdge& edge) -> Status {
                                            lines.insert(line(edge.edge, edge.properties));
                                            return {};
                                          }});
  EXPECT_TRUE(status.has_value()) << status.error().message;
  return joined(lines);
}

std::string hard_text(std::mt19937_64& random) {
  static const std::array<std::string, 40> pieces{
      "a",      "Z",    "0",    " ",   "\n",    "\r",           "\r\n", "\t",   ",", ";",  "|",
      "\"",     "\"\"", "'",    "\\",  "\\n",   "\\\"",         "`",    "$x",   "{", "}",  "[",
      "]",      "(",    ")",    "--",  "//",    "/*",           "\x01", "\x7f", "é", "漢", "💥",
      "\u2028", "NULL", "null", "nan", "[1,2]", "\xef\xbb\xbf", "end"};
  std::string text;
  const auto length = random() % 12;
  for (std::uint64_t i = 0; i < length; ++i) text += pieces[random() % pieces.size()];
  if (random() % 50 == 0) text += std::string(random() % 9000, 'x');
  return text;
}

Value random_value(std::mt19937_64& random, PropertyType type) {
  if (random() % 4 == 0) return Null{};
  static const std::array<std::int64_t, 6> integers{
      0, -1, 1, std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min() + 1, 1'000'000'007};
  static const std::array<double, 7> doubles{0.0, -0.5, 0.1, 1e300, 5e-324, 1.0 / 3.0, -12345678.90123};
  switch (type) {
    case PropertyType::boolean: return random() % 2 == 0;
    case PropertyType::int64: return integers[random() % integers.size()];
    case PropertyType::float64: return doubles[random() % doubles.size()];
    case PropertyType::text: return hard_text(random);
  }
  return Null{};
}

}  // namespace triune::conformance
