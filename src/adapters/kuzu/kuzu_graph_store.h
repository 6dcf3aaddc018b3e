// The graph contract on Kuzu 0.11.3.
//
// Invariants:
//  1. One store per directory, in this process and in all others (StoreFiles holds the lock).
//  2. One transaction writes at a time; a batch and its position are one transaction (I3).
//  3. Kuzu checkpoints only inside `checkpoint_if_due`, `bulk_load` and the destructor, when no session reads.
//  4. `known_` equals the schema in the database whenever no writer is at work.
//
//   open ──► ready ──apply──► (log grows) ──checkpoint_if_due──► ready
//              │
//              └─ bulk_load ─► loaded, or without a position and to be thrown away
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "adapters/kuzu/engine.h"
#include "adapters/kuzu/sessions.h"
#include "adapters/kuzu/store_files.h"
#include "contract/graph_rules.h"
#include "contract/graph_store.h"
#include "contract/registry.h"

namespace triune::adapters::kuzu {

class GraphReader;

/// Threads: any number; see the invariants.
class KuzuGraphStore final : public contract::GraphStore {
 public:
  /// Opens or creates the database in the directory `options.path`. Blocks while Kuzu replays its log. Errors:
  /// `unavailable` (open elsewhere), `corruption` (remove the directory and rebuild).
  static Result<std::unique_ptr<contract::GraphStore>> open(const contract::EngineOptions& options);
  ~KuzuGraphStore() override;

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
  KuzuGraphStore(StoreFiles files, std::unique_ptr<Engine> engine, std::size_t readers);

  Status load_state();
  Status reload_schema(Session& session);
  [[nodiscard]] std::shared_ptr<const contract::KnownSchema> known() const;
  Status check_empty(Session& session, const contract::GraphSchema& schema);
  void remember_position(const std::optional<contract::Position>& position);
  /// With the writer's turn: moves the log into the file when it has grown, unless readers are in the way for long. A
  /// failure is no failure of the commit before it: the log stays and the next turn tries again.
  void checkpoint_if_due(Session& session);
  Status checkpoint(Session& session, std::chrono::milliseconds patience);
  template <class Answer>
  Result<Answer> read(Deadline deadline, const std::function<Result<Answer>(GraphReader&)>& question);
  Result<std::uint64_t> count_short_walks(const PathCountQuery& query, Deadline deadline);
  Result<contract::TypedRows> run_reading(std::string_view cypher, const Arguments& arguments, bool may_write,
                                          const contract::GraphQueryOptions& options);
  Result<contract::TypedRows> run_writing(std::string_view cypher, const Arguments& arguments,
                                          const contract::GraphQueryOptions& options);

  StoreFiles files_;
  std::unique_ptr<Engine> engine_;
  Sessions sessions_;  // go before the engine
  mutable std::mutex mutex_;
  std::shared_ptr<const contract::KnownSchema> known_;  // guarded by mutex_
  std::optional<contract::Position> position_;          // guarded by mutex_
};

}  // namespace triune::adapters::kuzu
