// The graph contract in maps: its executable specification, and what tests of other rooms run on.
#pragma once

#include <mutex>

#include "adapters/memory/graph_data.h"
#include "contract/graph_store.h"

namespace triune::adapters::memory {

/// Threads: any number; one call at a time does its work. Nothing survives the object. Deadlines are looked at when a
/// call begins.
class MemoryGraphStore final : public contract::GraphStore {
 public:
  [[nodiscard]] contract::GraphCapabilities capabilities() const override;
  Status ensure_schema(const contract::GraphSchema& schema) override;
  Status apply(const contract::GraphBatch& batch, Deadline deadline) override;
  Status bulk_load(const contract::GraphSchema& schema, contract::GraphSource& source,
                   const contract::Position& position) override;
  Result<std::optional<contract::Position>> position() override;
  Result<contract::TypedRows> query(std::string_view cypher, const Record& parameters,
                                    const contract::GraphQueryOptions& options) override;
  Result<std::vector<Neighbor>> neighbors(const NeighborsQuery& query, Deadline deadline) override;
  Result<Path> shortest_path(const PathQuery& query, Deadline deadline) override;
  Result<std::uint64_t> count_paths(const PathCountQuery& query, Deadline deadline) override;
  Result<std::vector<contract::NodeScore>> analyze(const contract::GraphAnalysis& analysis, Deadline deadline) override;
  Result<contract::GraphStatistics> statistics() override;
  Status scan(const contract::GraphSchema& schema, const contract::GraphVisitor& visitor) override;

 private:
  std::mutex mutex_;
  GraphData graph_;                             // guarded by mutex_
  std::optional<contract::Position> position_;  // guarded by mutex_
};

}  // namespace triune::adapters::memory
