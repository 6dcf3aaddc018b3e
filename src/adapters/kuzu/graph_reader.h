// Reads nodes and edges straight from Kuzu's tables, in one snapshot.
//
// Kuzu's Cypher has no early end for shortest paths (it explores all that is reachable), counts long walks one by one
// and keeps whole results in its buffer pool. Here a neighbour costs less than a microsecond and nothing is kept.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "adapters/kuzu/engine.h"
#include "contract/graph_rules.h"
#include "triune/change.h"
#include "triune/query.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

/// A node by its place: the number of its table and its row there. Means something to one reader only.
struct NodePlace {
  std::uint64_t table = 0;
  std::uint64_t row = 0;
  auto operator<=>(const NodePlace&) const = default;
};

/// A table of nodes; its rows include those that were deleted.
struct NodeTableSize {
  std::string label;
  std::uint64_t table = 0;
  std::uint64_t rows = 0;
};

/// A read-only transaction on `session` that lasts as long as the reader; the session is not used for anything else
/// meanwhile. Calls end with `deadline_exceeded` after the session's deadline.
class GraphReader {
 public:
  static Result<std::unique_ptr<GraphReader>> begin(Session& session, const contract::KnownSchema& known);
  GraphReader(const GraphReader&) = delete;
  GraphReader& operator=(const GraphReader&) = delete;
  ~GraphReader();

  /// Where a node is; empty when it is not there.
  Result<std::optional<NodePlace>> find(const NodeReference& node);
  /// The label and the id of the node at a place.
  Result<NodeReference> name(NodePlace place);
  /// The tables of nodes.
  [[nodiscard]] const std::vector<NodeTableSize>& tables() const;

  /// From now on `neighbors` follows the edges of these types; empty: of all. One that does not exist has no edges.
  Status follow(const std::vector<std::string>& types);
  /// Replaces `result` by the nodes at the other ends of the edges of a node; one for each edge.
  Status neighbors(NodePlace place, Direction direction, std::vector<NodePlace>& result);

  /// Every node of a label with its id.
  Status scan_ids(const std::string& label, const std::function<Status(NodePlace, std::string)>& visitor);
  /// Every node of a label, every edge of a type, with their properties; NULL ones are left out.
  Status scan_nodes(const contract::NodeLabel& label, const std::function<Status(const PutNode&)>& visitor);
  Status scan_edges(const contract::EdgeType& type, const std::function<Status(const PutEdge&)>& visitor);

 private:
  struct Native;
  explicit GraphReader(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
};

}  // namespace triune::adapters::kuzu
