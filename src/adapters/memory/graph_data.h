// A graph in maps: the plainest thing that can hold one.
#pragma once

#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "contract/graph_rules.h"
#include "triune/change.h"

namespace triune::adapters::memory {

/// (label, id), so that nodes can be keys of maps.
using NodeKey = std::pair<std::string, std::string>;

inline NodeKey key_of(const NodeReference& node) {
  return {node.label, node.id};
}
inline NodeReference reference_of(const NodeKey& key) {
  return {key.first, key.second};
}

/// (type, from, to).
using EdgeKey = std::tuple<std::string, NodeKey, NodeKey>;

inline EdgeKey key_of(const EdgeReference& edge) {
  return {edge.type, key_of(edge.from), key_of(edge.to)};
}

struct GraphData {
  contract::KnownSchema schema;
  std::map<NodeKey, Record> nodes;
  std::map<EdgeKey, Record> edges;
};

/// For each node the other ends of its edges of a type (empty: any), one for each edge.
using Neighborhood = std::map<NodeKey, std::vector<NodeKey>>;
Neighborhood neighborhood(const GraphData& graph, const std::string& type, Direction direction);

}  // namespace triune::adapters::memory
