// The contract of a graph engine.
//
// A label's nodes are keyed by their id (text); a type has at most one edge from one node to another. Properties are
// typed per label and type; a property a node lacks is NULL.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "contract/capabilities.h"
#include "contract/column_type.h"
#include "contract/position.h"
#include "triune/change.h"
#include "triune/deadline.h"
#include "triune/query.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::contract {

enum class PropertyType : std::uint8_t { boolean, int64, float64, text };

struct PropertyDefinition {
  std::string name;
  PropertyType type = PropertyType::text;
  bool operator==(const PropertyDefinition&) const = default;
};

struct NodeLabel {
  std::string name;
  std::vector<PropertyDefinition> properties;  ///< Without `id`, which every label has.
};

struct EdgeType {
  std::string name;
  std::vector<std::pair<std::string, std::string>> ends;  ///< Allowed (from label, to label).
  std::vector<PropertyDefinition> properties;
};

struct GraphSchema {
  std::vector<NodeLabel> labels;
  std::vector<EdgeType> types;
};

/// One atomic step: deletes are applied before puts, edges after the nodes they need. A key occurs once at most in each
/// list; `apply` refuses duplicates with `invalid_argument` (the engines crash on them).
struct GraphBatch {
  std::vector<PutNode> put_nodes;
  std::vector<PutEdge> put_edges;
  std::vector<NodeReference> delete_nodes;  ///< With the edges at them.
  std::vector<EdgeReference> delete_edges;
  std::optional<Position> position;  ///< Committed together with the data (I3).
};

/// Supplies everything for a first load, label by label and type by type. An error from a visitor stops the supply.
class GraphSource {
 public:
  virtual ~GraphSource() = default;
  virtual Status visit_nodes(std::string_view label, const std::function<Status(const PutNode&)>& visitor) = 0;
  virtual Status visit_edges(std::string_view type, const std::function<Status(const PutEdge&)>& visitor) = 0;
};

struct GraphQueryOptions {
  Deadline deadline = Deadline::after(std::chrono::seconds(30));
  bool read_only = true;  ///< A writing statement is refused with `permission_denied` before it runs.
  std::size_t max_rows = 100'000;
};

/// Questions with a known shape, answered without the caller writing Cypher.
struct GraphAnalysis {
  enum class Kind : std::uint8_t { page_rank, components, communities };
  Kind kind = Kind::page_rank;
  std::vector<std::string> labels;  ///< Empty: all.
  std::vector<std::string> types;   ///< Empty: all.
};

/// One node's score (PageRank) or group (component, community; numbers have no meaning beyond equality).
struct NodeScore {
  NodeReference node;
  double score = 0;
};

/// Receives nodes and edges one by one; an error stops the scan and is returned from it.
struct GraphVisitor {
  std::function<Status(const PutNode&)> node;
  std::function<Status(const PutEdge&)> edge;
};

struct GraphStatistics {
  std::uint64_t nodes = 0;
  std::uint64_t edges = 0;
  std::vector<std::pair<std::string, std::uint64_t>> nodes_by_label;
  std::vector<std::pair<std::string, std::uint64_t>> edges_by_type;
  std::uint64_t file_bytes = 0;
};

class GraphStore {
 public:
  virtual ~GraphStore() = default;  ///< Closes; nothing applied is lost. Checkpoints are the adapter's own affair.

  [[nodiscard]] virtual GraphCapabilities capabilities() const = 0;
  /// Adds what is missing: labels, types, pairs of ends, properties. Never drops. Error: `conflict` when a property has
  /// another type already, or when the engine cannot add a pair of ends to a type: the caller then rebuilds.
  virtual Status ensure_schema(const GraphSchema& schema) = 0;
  /// Applies a batch atomically and durably. Errors: `invalid_argument` (duplicate key, unknown label, missing end of
  /// an edge, wrong type, oversized text): nothing is applied.
  virtual Status apply(const GraphBatch& batch, Deadline deadline) = 0;
  /// Fills an empty store through the engine's bulk path; the schema was ensured before. A store whose load failed or
  /// was killed has no position and must be thrown away.
  virtual Status bulk_load(const GraphSchema& schema, GraphSource& source, const Position& position) = 0;
  /// The position last committed; empty for a new store.
  virtual Result<std::optional<Position>> position() = 0;
  /// Runs one Cypher statement with `$name` parameters. Nodes and edges in the result are Json objects.
  virtual Result<TypedRows> query(std::string_view cypher, const Record& parameters,
                                  const GraphQueryOptions& options) = 0;
  /// Distinct nodes within `depth` steps with their distances, nearest first; never the start.
  virtual Result<std::vector<Neighbor>> neighbors(const NeighborsQuery& query, Deadline deadline) = 0;
  virtual Result<Path> shortest_path(const PathQuery& query, Deadline deadline) = 0;
  virtual Result<std::uint64_t> count_paths(const PathCountQuery& query, Deadline deadline) = 0;
  virtual Result<std::vector<NodeScore>> analyze(const GraphAnalysis& analysis, Deadline deadline) = 0;
  virtual Result<GraphStatistics> statistics() = 0;
  /// Streams everything the store holds of the schema's labels and types, in no order, for `verify`.
  virtual Status scan(const GraphSchema& schema, const GraphVisitor& visitor) = 0;
};

}  // namespace triune::contract
