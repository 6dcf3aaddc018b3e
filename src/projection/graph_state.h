// The current state of nodes and edges in the canonical store, for keys of the log or for everything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "contract/graph_store.h"
#include "contract/relational_store.h"
#include "projection/catalog.h"
#include "projection/change_log.h"
#include "projection/set_aside.h"
#include "triune/hive.h"

namespace triune::projection {

/// An edge's two ends by their number in the canonical store.
struct EdgeKey {
  std::int64_t from_node = 0;
  std::int64_t to_node = 0;
  auto operator<=>(const EdgeKey&) const = default;
};

/// Reads "12>34", the key of an edge in the log. Error: `invalid_argument`.
Result<EdgeKey> parse_edge_key(const Value& key);

/// What people call an entity, in examples and reasons.
std::string describe(const NodeReference& node);
std::string describe(const EdgeReference& edge);

/// The properties in `json`. Error `invalid_argument`, with the reason to set the entity aside: no JSON object, a name
/// that no engine takes, a NUL in a text, a text of more than `max_text_bytes` (0: any). Commits refuse all this; other
/// programs can write it.
Result<Record> readable_properties(const Value& json, std::uint64_t max_text_bytes);

/// Properties as the projection holds them: of the registered types, in the order of their names, without NULLs. A name
/// that is not registered, or a value its type cannot hold, is reported through `unregistered`.
Record typed_properties(const CatalogSnapshot& catalog, std::int64_t collection_id, Record properties,
                        bool& unregistered);

/// Adds to a piece of the log the nodes that its edges need and that a later lsn logs, although they were committed
/// before: new ends, and nodes whose deletion takes their edges along. Applying them early changes nothing later.
Status add_overtaking_nodes(contract::RelationalSession& session, std::int64_t organization_id,
                            const CatalogSnapshot& catalog, LogBatch& log);

/// Turns log entries into one batch for the engine.
class GraphBatchBuilder {
 public:
  GraphBatchBuilder(contract::RelationalSession& session, const CatalogSnapshot& catalog, std::int64_t organization_id,
                    std::uint64_t max_text_bytes)
      : session_(session), catalog_(catalog), organization_id_(organization_id), max_text_bytes_(max_text_bytes) {}

  /// The state of every entity that `entries` name, each once. Entries of collections that are no part of the graph are
  /// passed over.
  Result<contract::GraphBatch> build(const std::vector<LogEntry>& entries);
  /// Entities that no engine can hold; the batch leaves them as they are.
  [[nodiscard]] const std::vector<Refused>& refused() const { return refused_; }
  /// Properties met that the catalog does not know in this type: register them and build again.
  [[nodiscard]] const std::vector<std::pair<std::int64_t, Record>>& unregistered() const { return unregistered_; }

 private:
  Status add_nodes(std::int64_t label_id, const std::vector<LogEntry>& entries, contract::GraphBatch& batch);
  Status add_edges(std::int64_t type_id, const std::vector<LogEntry>& entries, contract::GraphBatch& batch);
  Status add_deleted_edges(std::int64_t type_id, const std::vector<EdgeKey>& keys, contract::GraphBatch& batch);
  Result<Record> properties_of(std::int64_t collection_id, const Value& json);

  contract::RelationalSession& session_;
  const CatalogSnapshot& catalog_;
  std::int64_t organization_id_;
  std::uint64_t max_text_bytes_;
  std::vector<Refused> refused_;
  std::vector<std::pair<std::int64_t, Record>> unregistered_;
};

/// Streams the whole graph of an organization, for bulk loads and for `verify`.
class CanonicalGraph final : public contract::GraphSource {
 public:
  CanonicalGraph(contract::RelationalSession& session, const CatalogSnapshot& catalog, std::int64_t organization_id,
                 std::uint64_t max_text_bytes, const Progress& progress)
      : session_(session),
        catalog_(catalog),
        organization_id_(organization_id),
        max_text_bytes_(max_text_bytes),
        progress_(progress) {}

  Status visit_nodes(std::string_view label, const std::function<Status(const PutNode&)>& visitor) override;
  Status visit_edges(std::string_view type, const std::function<Status(const PutEdge&)>& visitor) override;
  [[nodiscard]] const std::vector<std::pair<std::int64_t, Record>>& unregistered() const { return unregistered_; }
  /// Entities that no engine can hold, and the edges at them; they were passed over.
  [[nodiscard]] const std::vector<Refused>& refused() const { return refused_; }

 private:
  Status load_names();
  void report();
  /// Typed properties, or nothing when the entity is refused, which is then noted.
  std::optional<Record> properties_of(std::int64_t collection_id, const Value& json, const std::string& entity);
  void refuse(std::string entity, std::string reason);

  contract::RelationalSession& session_;
  const CatalogSnapshot& catalog_;
  std::int64_t organization_id_;
  std::uint64_t max_text_bytes_;
  const Progress& progress_;
  // Names of all nodes by number, so that five million edges need no ten million lookups: text in one arena, sorted by
  // number. Dropped with this object.
  struct NodeName {
    std::int64_t node_id;
    std::uint32_t label;  // index into labels_
    std::uint32_t length;
    std::uint64_t offset;
  };
  [[nodiscard]] const NodeName* name_of(std::int64_t node_id) const;
  void assign(NodeReference& to, const NodeName& name) const;
  std::vector<NodeName> names_;
  std::vector<std::string> labels_;
  std::string arena_;
  bool names_loaded_ = false;
  std::vector<Refused> refused_;
  std::set<std::string> refused_nodes_;  // as `describe` calls them
  std::vector<std::pair<std::int64_t, Record>> unregistered_;
  std::uint64_t done_ = 0;
};

}  // namespace triune::projection
