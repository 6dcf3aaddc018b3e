// What a graph must hold and answer, worked out in the plainest way, apart from every engine.
#pragma once

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "contract/graph_store.h"

namespace triune::conformance {

/// A source for bulk_load, and the content to hold a store against.
class Truth : public contract::GraphSource {
 public:
  using NodeKey = std::pair<std::string, std::string>;
  using EdgeKey = std::tuple<std::string, NodeKey, NodeKey>;

  explicit Truth(contract::GraphSchema schema = {}) : schema_(std::move(schema)) {}

  void apply(const contract::GraphBatch& batch);
  [[nodiscard]] const contract::GraphSchema& schema() const { return schema_; }
  [[nodiscard]] const std::map<NodeKey, Record>& nodes() const { return nodes_; }
  [[nodiscard]] const std::map<EdgeKey, Record>& edges() const { return edges_; }

  Status visit_nodes(std::string_view label, const std::function<Status(const PutNode&)>& visitor) override;
  Status visit_edges(std::string_view type, const std::function<Status(const PutEdge&)>& visitor) override;

  /// Steps of the shortest way to every node that can be reached, the start with 0.
  [[nodiscard]] std::map<NodeKey, std::uint32_t> distances(const NodeKey& start, const std::string& type,
                                                           Direction direction) const;
  [[nodiscard]] std::uint64_t walks(const std::string& type, std::uint32_t length, const NodeKey* from) const;
  /// Whether an edge of the type leads from one node to the other in that direction.
  [[nodiscard]] bool is_step(const NodeReference& from, const NodeReference& to, const std::string& type,
                             Direction direction) const;

  /// All content as text in one order; of a store, the text of what its scan yields.
  [[nodiscard]] std::string text() const;
  static std::string text_of(contract::GraphStore& store, const contract::GraphSchema& schema);

  static NodeKey key(const NodeReference& node) { return {node.label, node.id}; }
  static NodeReference reference(const NodeKey& key) { return {key.first, key.second}; }

 private:
  [[nodiscard]] std::vector<NodeKey> ends(const NodeKey& node, const std::string& type, Direction direction) const;

  contract::GraphSchema schema_;
  std::map<NodeKey, Record> nodes_;
  std::map<EdgeKey, Record> edges_;
};

/// Text that is hard on quoting, splitting and counting: quotes, line breaks, separators, backslashes, NULL-like words,
/// letters of several bytes.
std::string hard_text(std::mt19937_64& random);

/// A value of a property of that type, or NULL.
Value random_value(std::mt19937_64& random, contract::PropertyType type);

}  // namespace triune::conformance
