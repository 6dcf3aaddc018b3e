// Which labels, types and properties the database holds. A plain value: the store keeps one current copy and replaces
// it when the schema changes.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "adapters/kuzu/engine.h"
#include "contract/graph_store.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

class Catalogue {
 public:
  /// Reads it from the database.
  static Result<Catalogue> load(Session& session);

  [[nodiscard]] const contract::NodeLabel* label(std::string_view name) const;
  [[nodiscard]] const contract::EdgeType* type(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, contract::NodeLabel, std::less<>>& labels() const { return labels_; }
  [[nodiscard]] const std::map<std::string, contract::EdgeType, std::less<>>& types() const { return types_; }

  /// The statements that add what `wanted` has and this lacks, in their order. Errors: `invalid_argument` (a name that
  /// Kuzu cannot hold or not beside another, an end whose label does not exist), `conflict` (another type of a
  /// property).
  [[nodiscard]] Result<std::vector<std::string>> missing(const contract::GraphSchema& wanted) const;

 private:
  std::map<std::string, contract::NodeLabel, std::less<>> labels_;
  std::map<std::string, contract::EdgeType, std::less<>> types_;
};

/// The property of that name, or nullptr.
const contract::PropertyDefinition* find_property(const std::vector<contract::PropertyDefinition>& properties,
                                                  std::string_view name);

/// The word for a type in messages and in Cypher ("INT64").
std::string_view cypher_type(contract::PropertyType type);

}  // namespace triune::adapters::kuzu
