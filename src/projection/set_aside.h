// Poison entities: what an engine refuses waits in the canonical store with the reason, and the rest flows on.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"

namespace triune::projection {

struct Refused {
  std::string entity;  ///< "node Person/7", "edge KNOWS Person/7 -> Person/8", "vector 12".
  std::string reason;
};

class SetAside {
 public:
  /// `node`: whose projection it is where several share the store, or empty.
  SetAside(contract::RelationalStore& canonical, std::int64_t organization_id, const std::string& node,
           const std::string& projection)
      : canonical_(canonical),
        organization_id_(organization_id),
        projection_(node.empty() ? projection : projection + " of " + node) {}

  /// Reads how many there are; call once after opening.
  Status load(contract::RelationalSession& session);
  Status add(const std::vector<Refused>& refused);
  /// Forgets entities that were accepted since. Costs nothing while none are set aside.
  Status remove(const std::vector<std::string>& entities);
  /// Forgets the edges at nodes ("Person/7") that were mended or deleted.
  Status remove_edges_at(const std::vector<std::string>& nodes);
  /// Forgets all, before a rebuild.
  Status clear();
  /// Their names.
  Result<std::vector<std::string>> entities(contract::RelationalSession& session) const;
  [[nodiscard]] std::uint64_t count() const { return count_; }

 private:
  Status recount(contract::RelationalSession& session);

  contract::RelationalStore& canonical_;
  std::int64_t organization_id_;
  std::string projection_;
  std::atomic<std::uint64_t> count_ = 0;  // read by status from any thread
};

}  // namespace triune::projection
