// The dictionary of the canonical store: names to numbers, properties to types.
//
// Rows refer to organizations, labels, edge types and vector collections by number. The catalog holds what is committed
// in memory, so that a commit in the steady state asks the dictionary nothing. A write job registers what is new in its
// own session; the memory copy learns of it only from `reload`, after the commit, because a job may be undone.
//
// Thread rule: any thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "contract/graph_store.h"
#include "contract/relational_store.h"
#include "contract/vector_store.h"

namespace triune::projection {

enum class CollectionKind : std::uint8_t { table, label, type, vector };

/// The word the dictionary uses ("label").
std::string_view to_string(CollectionKind kind) noexcept;

struct VectorCollectionEntry {
  std::int64_t collection_id = 0;
  VectorCollection definition;
};

/// One immutable copy of the dictionary.
struct CatalogSnapshot {
  std::map<std::string, std::int64_t, std::less<>> organizations;
  std::map<std::tuple<std::int64_t, CollectionKind, std::string>, std::int64_t> collections;
  std::map<std::int64_t, std::string> collection_names;
  std::map<std::int64_t, CollectionKind> collection_kinds;
  std::map<std::int64_t, std::map<std::string, contract::PropertyType, std::less<>>> properties;
  std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t>> edge_ends;  ///< type, from label, to label
  std::map<std::int64_t, VectorCollection> vector_collections;               ///< by collection id
  std::map<std::int64_t, std::string> vector_moves;       ///< Of those on the way to another engine: to which, by id.
  std::map<std::int64_t, std::string> embedder_versions;  ///< Of vector collections that have one recorded, by id.

  [[nodiscard]] std::optional<std::int64_t> collection(std::int64_t organization, CollectionKind kind,
                                                       std::string_view name) const;
  [[nodiscard]] const std::string& name_of(std::int64_t collection_id) const;
  /// Whether the collection is a label or an edge type.
  [[nodiscard]] bool is_graph(std::int64_t collection_id) const;
  /// Labels, types, their ends and properties of one organization.
  [[nodiscard]] contract::GraphSchema graph_schema(std::int64_t organization) const;
  [[nodiscard]] std::vector<std::int64_t> collections_of(std::int64_t organization, CollectionKind kind) const;
};

class Catalog {
 public:
  /// Reads the dictionary anew, in a session of its own. Call after a commit that registered something, and when a
  /// number is unknown. When it returns, the copy holds what was committed before the call: of two that overlap, the
  /// one that began first does not put its older copy in place of the other's.
  Status reload(contract::RelationalStore& store, Deadline deadline);

  /// The copy last read; never null.
  [[nodiscard]] std::shared_ptr<const CatalogSnapshot> snapshot() const;

 private:
  mutable std::mutex mutex_;   ///< Guards what follows.
  std::uint64_t turns_ = 0;    ///< Reloads that began.
  std::uint64_t read_in_ = 0;  ///< The turn of the copy.
  std::shared_ptr<const CatalogSnapshot> snapshot_ = std::make_shared<const CatalogSnapshot>();
};

/// Registers names within a write job. `changed` tells whether the dictionary grew, that is whether to reload after.
class CatalogWriter {
 public:
  CatalogWriter(const Catalog& catalog, contract::RelationalSession& session)
      : snapshot_(catalog.snapshot()), session_(session) {}

  /// The number of an organization, made when absent.
  Result<std::int64_t> organization(std::string_view name);
  /// The number of a collection, made when absent.
  Result<std::int64_t> collection(std::int64_t organization, CollectionKind kind, std::string_view name);
  /// Registers the types of `properties`, widening where needed (int64 to float64, anything to text).
  Status properties(std::int64_t collection_id, const Record& properties);
  /// Registers that edges of a type go from one label to another.
  Status edge_end(std::int64_t type_id, std::int64_t from_label_id, std::int64_t to_label_id);
  [[nodiscard]] bool changed() const { return changed_; }

 private:
  Status register_property(std::int64_t collection_id, std::string_view name, contract::PropertyType type);

  std::shared_ptr<const CatalogSnapshot> snapshot_;
  contract::RelationalSession& session_;
  std::map<std::string, std::int64_t, std::less<>> organizations_;  // made or found by this job
  std::map<std::tuple<std::int64_t, CollectionKind, std::string>, std::int64_t> collections_;
  std::map<std::pair<std::int64_t, std::string>, contract::PropertyType> properties_;
  std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t>> edge_ends_;
  bool changed_ = false;
};

/// The type that holds values of both.
contract::PropertyType widen(contract::PropertyType left, contract::PropertyType right) noexcept;

/// `value` as a property of `type`; NULL stays NULL. The type must have been widened to hold it.
Value convert(const Value& value, contract::PropertyType type);

}  // namespace triune::projection
