// The graph of one organization in a graph engine.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "contract/graph_store.h"
#include "projection/generations.h"
#include "projection/graph_state.h"
#include "projection/projection.h"
#include "projection/set_aside.h"

namespace triune::projection {

class GraphProjection final : public Projection {
 public:
  GraphProjection(Environment environment, std::string engine, contract::Factory<contract::GraphStore> factory);

  [[nodiscard]] std::string name() const override { return "graph"; }
  [[nodiscard]] std::string engine() const override { return engine_; }
  Result<std::optional<std::uint64_t>> open() override;
  Result<Step> apply_next(contract::RelationalSession& canonical, std::uint64_t watermark) override;
  Result<std::uint64_t> rebuild(const Progress& progress, Deadline deadline) override;
  Status quarantine(std::string_view reason) override;
  Status remove() override {
    close();
    return generations_.drop();
  }
  void close() override { set_store(nullptr); }
  Result<Differences> verify(contract::RelationalSession& canonical, bool repair, const Progress& progress) override;
  Result<std::pair<std::uint64_t, std::uint64_t>> count() override;
  Status save(bool force) override;
  Result<std::uint64_t> durable_watermark() override;

  /// The engine in use, for reads; a rebuild leaves it alive until the last reader lets go. Null before `open`. Any
  /// thread.
  [[nodiscard]] std::shared_ptr<contract::GraphStore> store() const;

 private:
  Status register_properties(const std::vector<std::pair<std::int64_t, Record>>& properties);
  Result<contract::GraphBatch> build(contract::RelationalSession& canonical, const std::vector<LogEntry>& entries,
                                     std::vector<Refused>& refused);
  [[nodiscard]] std::uint64_t max_text_bytes() const;
  /// Edges wait with the node they are at: adds those of nodes that were set aside and are named in `entries`.
  Result<std::vector<std::string>> add_waiting_edges(contract::RelationalSession& canonical,
                                                     std::vector<LogEntry>& entries);
  /// Before a comparison: what the snapshot shows and the watermark cannot cover yet.
  Status apply_unsettled(contract::RelationalSession& canonical);
  Status ensure_schema();
  Status apply(const contract::GraphBatch& batch);
  Status apply_or_set_aside(contract::GraphBatch batch, std::vector<Refused>& refused);
  Status forget_set_aside(const contract::GraphBatch& batch);
  void set_store(std::shared_ptr<contract::GraphStore> store);
  Result<bool> bulk_is_cheaper(contract::RelationalSession& canonical, std::uint64_t watermark, std::uint64_t head);
  Result<std::uint64_t> fill(contract::GraphStore& store, const Progress& progress, Deadline deadline);
  Status repair_differences(contract::RelationalSession& canonical, const std::set<std::uint64_t>& wanted,
                            const std::set<std::uint64_t>& unwanted);

  Environment environment_;
  std::string engine_;
  contract::Factory<contract::GraphStore> factory_;
  Generations generations_;
  SetAside set_aside_;
  mutable std::mutex store_mutex_;
  std::shared_ptr<contract::GraphStore> store_;             // guarded by store_mutex_ for other threads' reads
  std::shared_ptr<const CatalogSnapshot> ensured_catalog_;  // the schema that the store has
  std::uint64_t watermark_ = 0;
  std::optional<std::uint64_t> backlog_checked_;  // head of the log when the backlog was last weighed
};

}  // namespace triune::projection
