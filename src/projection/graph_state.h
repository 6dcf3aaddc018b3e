// The current state of nodes and edges in the canonical store, for keys of the log or for everything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "contract/graph_store.h"
#include "contract/relational_store.h"
#include "projection/catalog.h"
#include "projection/change_log.h"
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

/// Properties as the projection holds them: of the registered types, in the order of their names, without NULLs. A name
/// that is not registered, or a value its type cannot hold, is reported through `unregistered`.
Record typed_properties(const CatalogSnapshot& catalog, std::int64_t collection_id, Record properties,
                        bool& unregistered);

/// Turns log entries into one batch for the engine.
class GraphBatchBuilder {
 public:
  GraphBatchBuilder(contract::RelationalSession& session, const CatalogSnapshot& catalog, std::int64_t organization_id)
      : session_(session), catalog_(catalog), organization_id_(organization_id) {}

  /// The state of every entity that `entries` name, each once. Entries of collections that are no part of the graph are
  /// passed over.
  Result<contract::GraphBatch> build(const std::vector<LogEntry>& entries);
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
  std::vector<std::pair<std::int64_t, Record>> unregistered_;
};

/// Streams the whole graph of an organization, for bulk loads and for `verify`.
class CanonicalGraph final : public contract::GraphSource {
 public:
  CanonicalGraph(contract::RelationalSession& session, const CatalogSnapshot& catalog, std::int64_t organization_id,
                 const Progress& progress)
      : session_(session), catalog_(catalog), organization_id_(organization_id), progress_(progress) {}

  Status visit_nodes(std::string_view label, const std::function<Status(const PutNode&)>& visitor) override;
  Status visit_edges(std::string_view type, const std::function<Status(const PutEdge&)>& visitor) override;
  [[nodiscard]] const std::vector<std::pair<std::int64_t, Record>>& unregistered() const { return unregistered_; }
  [[nodiscard]] std::uint64_t entities() const { return done_; }

 private:
  Status load_names();
  Status report();

  contract::RelationalSession& session_;
  const CatalogSnapshot& catalog_;
  std::int64_t organization_id_;
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
  std::vector<std::pair<std::int64_t, Record>> unregistered_;
  std::uint64_t done_ = 0;
};

}  // namespace triune::projection
