// The hive behind the facade: wiring only; each file named after what it answers.
//
//   open.cpp     opening, closing, receipts, waiting        commit.cpp   commits, transactions, SQL that writes
//   read.cpp     SQL, Cypher, point reads                    federated.cpp  SQL that calls other engines, EXPLAIN
//   search.cpp   vectors                                     text.cpp     full text
//   embeddings.h texts that become vectors                 reembedding.cpp  another model for a collection
//   vector_move.cpp  another engine for a collection
//   statistics.h what planners are told about the rows
//   graph.cpp    traversals and their routing                load.cpp     bulk loads
//   placements.cpp  definitions, and decisions about them   learning.h   what queries teach the router
//   storage_factory.cpp  ready stores                        advise.cpp   advice from the recorded workload
//   membership.cpp  being one node of several on a shared store
//   maintain.cpp status, verify, repair, rebuild, sweep
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "contract/blob_store.h"
#include "contract/relational_store.h"
#include "federation/sql_tokens.h"
#include "hive/advise_copy.h"
#include "hive/bulk.h"
#include "hive/change_applier.h"
#include "hive/cluster_node.h"
#include "hive/directory_lock.h"
#include "hive/embeddings.h"
#include "hive/graph_walk.h"
#include "hive/learning.h"
#include "hive/location.h"
#include "hive/projection_set.h"
#include "hive/selectivity.h"
#include "hive/statistics.h"
#include "hive/stored_definition.h"
#include "hive/vector_candidates.h"
#include "placement/decide.h"
#include "placement/router.h"
#include "projection/catalog.h"
#include "runtime/retry_policy.h"
#include "triune/hive.h"

namespace triune::hive {

class Implementation final : public Hive {
 public:
  static Result<std::unique_ptr<Hive>> open(Location location, HiveOptions options);
  ~Implementation() override;

  Result<Receipt> commit(const Commit& commit, const CommitOptions& options) override;
  /// The same with a job that runs first in the transaction, which is then nobody else's. It may run again.
  Result<Receipt> commit_along(const Commit& commit, const CommitOptions& options, const contract::WriteJob& first);
  Result<Receipt> receipt() override;
  Status wait(const Token& token, Deadline deadline) override;
  Result<std::unique_ptr<Transaction>> begin(Deadline deadline) override;
  Result<RowSet> sql(std::string_view statement, std::span<const Value> parameters,
                     const ReadOptions& options) override;
  Result<SqlResult> execute(std::string_view statement, std::span<const Value> parameters,
                            const ReadOptions& options) override;
  Result<PlanNode> explain(std::string_view statement, std::span<const Value> parameters, bool analyze,
                           const ReadOptions& options) override;
  Result<RowSet> cypher(std::string_view statement, const Record& parameters, const ReadOptions& options) override;
  Result<VectorSearchResult> search(const VectorSearch& search, const ReadOptions& options) override;
  Result<std::vector<TextHit>> text(const TextSearch& search, const ReadOptions& options) override;
  Result<Routed<std::vector<Neighbor>>> neighbors(const NeighborsQuery& query, const ReadOptions& options) override;
  Result<Routed<std::uint64_t>> count_neighbors(const NeighborsQuery& query, const ReadOptions& options) override;
  Result<Routed<Path>> shortest_path(const PathQuery& query, const ReadOptions& options) override;
  Result<Routed<std::uint64_t>> count_paths(const PathCountQuery& query, const ReadOptions& options) override;
  Result<Record> get_row(std::string_view table, const Record& key) override;
  Result<Record> get_node(const NodeReference& node) override;
  Result<Record> get_edge(const EdgeReference& edge) override;
  Result<PutVector> get_vector(std::string_view collection, std::string_view id) override;
  Result<Bytes> get_blob(std::string_view owner, std::string_view name) override;
  Status create_collection(const VectorCollection& collection) override;
  Status map_nodes(const NodeMapping& mapping) override;
  Status map_edges(const EdgeMapping& mapping) override;
  Status create_text_index(const TextIndex& index) override;
  Result<PlacementList> placements() override;
  Result<PlacementExplanation> explain_placement(std::string_view name) override;
  Result<std::vector<Placement>> review_placements() override;
  Result<OptimalStorage> create_storage(const DataCharacteristics& characteristics) override;
  Result<AdviceReport> advise(Deadline deadline) override;
  Result<Receipt> load_nodes(std::string_view label, const Supplier<PutNode>& next, const Progress& progress) override;
  Result<Receipt> load_edges(std::string_view type, std::string_view from_label, std::string_view to_label,
                             const Supplier<PutEdge>& next, const Progress& progress) override;
  Result<Receipt> load_vectors(std::string_view collection, const Supplier<PutVector>& next,
                               const Progress& progress) override;
  Result<VectorMove> move_vectors(std::string_view collection, const std::string& engine, Deadline deadline,
                                  const Progress& progress) override;
  Status abort_vector_move(std::string_view collection) override;
  Result<HiveStatus> status() override;
  Result<VerifyReport> verify(const Progress& progress) override;
  Result<VerifyReport> repair(const Progress& progress) override;
  Status rebuild(std::string_view projection, const Progress& progress) override;
  Result<std::uint64_t> sweep(std::chrono::seconds grace) override;
  [[nodiscard]] SqlDialect dialect() const override {
    return location_.url.empty() ? SqlDialect::sqlite : SqlDialect::postgresql;
  }
  Status close() override;

  // For the transaction, which is a part of this room.
  /// Sees to it that the dictionary has every vector collection that changes name, also when another node made it.
  void know_collections(std::span<const Change> changes);
  [[nodiscard]] std::int64_t organization_id() const { return organization_id_; }
  [[nodiscard]] const std::string& node_id() const { return node_id_; }
  // For federated statements, which are a part of this room too: searches and traversals in the snapshot of a session.
  /// In a session of its own when `session` is null; one that is given has the scope of a user. With `predicate_first`
  /// all that satisfies the predicate is found before the engine is asked.
  Result<VectorSearchResult> search_in(contract::RelationalSession* session, const VectorSearch& search,
                                       const ReadOptions& options, bool predicate_first = false);
  Result<contract::TypedRows> typed_cypher(std::string_view statement, const Record& parameters,
                                           const ReadOptions& options);
  Result<std::vector<TextHit>> text_in(contract::RelationalSession& session, const TextSearch& search);
  Result<Routed<std::vector<Neighbor>>> neighbors_in(contract::RelationalSession& session, const NeighborsQuery& query,
                                                     const ReadOptions& options);
  Result<Routed<Path>> shortest_path_in(contract::RelationalSession& session, const PathQuery& query,
                                        const ReadOptions& options);
  [[nodiscard]] std::string canonical_engine() const { return store_->capabilities().engine; }
  bool has_embedder(std::string_view collection);
  /// The text index on the table that owns the vectors of a collection.
  Result<std::string> text_index_of(contract::RelationalSession& session, std::string_view collection);
  projection::Catalog& catalog() { return catalog_; }
  Statistics& statistics() { return *statistics_; }
  /// For migrations, which take rows as they are (relocation.h).
  contract::RelationalStore& store() { return *store_; }
  Embeddings& embeddings() { return *embeddings_; }
  // For modules (module_access.h).
  Status check_open() const;
  Status define_in_job(const std::function<Status(contract::RelationalSession&, projection::CatalogWriter&)>& job);
  ProjectionSet& projections() { return *projections_; }
  /// Makes the bytes of every PutBlob durable (I8).
  Result<std::vector<StagedBlob>> stage_blobs(std::span<const Change> changes);
  /// In the job that refers to them: no sweep takes them from now on.
  Status hold_blobs(contract::RelationalSession& session, std::span<const StagedBlob> blobs);
  /// After a durable commit: the dictionary is read anew when it grew, the projections wake, the session's token moves.
  void committed(std::uint64_t lsn, bool catalog_changed);
  Receipt make_receipt(std::uint64_t lsn, std::uint64_t changes);

 private:
  Implementation(Location location, HiveOptions options);
  Status open_directory();
  Status open_database();
  Status open_blobs();
  /// Registers this process where several share the store (membership.cpp).
  Status join();
  Result<std::optional<std::uint64_t>> watermark_of_last_time();
  Result<std::optional<std::uint64_t>> needed_watermark();
  Status follow_schema();
  Status follow_history();
  /// The dictionary, read anew when it lacks `name` and another node may have made it.
  std::shared_ptr<const projection::CatalogSnapshot> catalog_with(projection::CollectionKind kind,
                                                                  std::string_view name);
  Status start();
  Status identify();
  /// Writes a commit's job; `hurries` says how and is false when it was written step by step.
  Status run_commit(const contract::WriteJob& job, bool& hurries, bool has_key, bool alone, Deadline deadline);
  using Measurement = std::function<Result<placement::CollectionFigures>(contract::RelationalSession&)>;
  /// What `measure` finds, in a read session of its own; nothing when it fails.
  placement::CollectionFigures measured(const Measurement& measure);
  /// Decisions about every collection by what is measured now; nothing is recorded.
  Result<std::vector<Placement>> decide_anew();
  /// The lsn a read needs; `conflict` for a token of another incarnation.
  Result<std::uint64_t> required_lsn(const Consistency& consistency) const;
  Result<std::unique_ptr<contract::RelationalSession>> reader(const ReadOptions& options);
  /// A statement that calls other engines (federated.cpp).
  Result<SqlResult> run_federated(std::string_view statement, std::span<const Value> parameters,
                                  const ReadOptions& options);
  /// The same where the store cannot call engines itself.
  Result<PlanNode> explain_bound(std::string_view statement, std::span<const Value> parameters, bool analyze,
                                 const ReadOptions& options);
  /// Nothing for a statement that is no EXPLAIN of ours.
  Result<std::optional<SqlResult>> explain_as_rows(std::string_view statement, std::span<const Value> parameters,
                                                   const ReadOptions& options);
  Result<SqlResult> write_sql(std::string_view statement, std::span<const Value> parameters,
                              const ReadOptions& options);

  [[nodiscard]] federation::Spelling spelling() const {
    return dialect() == SqlDialect::sqlite ? federation::Spelling::sqlite : federation::Spelling::postgres;
  }
  /// Of an answer of the canonical store.
  [[nodiscard]] Route sql_route(std::string reason) const {
    return {.engine = canonical_engine(), .reason = std::move(reason)};
  }

  using Patience = projection::ProjectionWorker::Patience;
  /// The graph engine at the asked token, or the reason why it cannot answer in time.
  Result<std::shared_ptr<contract::GraphStore>> graph_store(const ReadOptions& options, Patience patience);
  /// Whether the graph engine could answer at once.
  bool graph_is_current(const ReadOptions& options);
  /// Answers by SQL, `Result<Answer>(edge budget)`, or by the graph engine, `Result<Answer>(store, deadline)`, as the
  /// router says; and by SQL where the graph engine cannot (I4).
  template <class Answer, class BySql, class ByGraph>
  Result<Routed<Answer>> route(placement::RouteQuestion question, const ReadOptions& options, const BySql& by_sql,
                               const ByGraph& by_graph);
  Result<Routed<std::uint64_t>> count_adjacent(GraphWalk& walk, const NeighborsQuery& query);
  /// Records what was read by SQL, without its values.
  void note_read(std::string_view statement, Deadline::Clock::time_point began, std::size_t rows);
  /// Where advice is measured (advise.cpp).
  Result<std::unique_ptr<CopyBench>> copy_bench(Deadline deadline);
  std::vector<Advice> unused_projections(const projection::CatalogSnapshot& catalog,
                                         const std::vector<StoredDefinition>& definitions);
  /// For a read that the canonical store can answer too: waits for half of the time there is, and is `unavailable`
  /// then, also while the engine is out of service (I4, I5).
  static Status wait_or_give_way(projection::ProjectionWorker& worker, std::uint64_t lsn, Deadline deadline);
  /// Tells the projection when its engine failed in a read (I4).
  void report(projection::ProjectionWorker& worker, const Error& error);

  /// The candidates of a search and, in `result`, how they were found; `store` is null while the engine is out.
  Result<std::vector<Candidate>> find_candidates(const CandidateSearch& asked, const VectorCollection& definition,
                                                 const VectorSearch& search, contract::VectorStore* store,
                                                 Deadline deadline, VectorSearchResult& result);
  /// By the index first, where so many satisfy the predicate that this is the better way.
  Result<std::optional<std::vector<Candidate>>> find_before_predicate(
      const CandidateSearch& asked, VectorPredicate& predicate, const VectorSearch& search,
      contract::VectorStore& store, const contract::VectorQueryOptions& engine, VectorSearchResult& result);
  Result<std::vector<float>> query_vector(contract::RelationalSession& session, std::int64_t collection_id,
                                          const VectorCollection& definition, const VectorSearch& search,
                                          Deadline deadline);
  Result<VerifyReport> compare_all(bool repair, const Progress& progress);
  Status check_blobs(VerifyReport& report, const Progress& progress);
  Status trim_log();
  /// Sweeps what no projection needs: this process's, or on a shared store any node's.
  Status sweep_log();
  /// Forgets idempotency keys that are older than their retention; `only_when_due`: not again within a day.
  Status trim_commits(bool only_when_due);
  /// Looks at the next keys behind `after`, and moves it behind them; NULL at the end.
  Status trim_commits_step(Value& after, std::int64_t before_ms);
  LoadContext load_context(const Progress& progress);

  Location location_;
  std::filesystem::path directory_;  ///< Of the hive, or of this node's projections.
  std::string node_id_;              ///< Empty unless the store is shared.
  HiveOptions options_;
  std::unique_ptr<DirectoryLock> lock_;
  std::unique_ptr<contract::RelationalStore> store_;
  projection::Catalog catalog_;
  std::string incarnation_;
  std::string note_;  ///< What the store's identity could not be told by.
  std::int64_t organization_id_ = 0;
  std::unique_ptr<contract::BlobStore> blobs_;
  std::unique_ptr<contract::ChangeSignal> signal_;  ///< Between processes that share the store; null without any.
  std::unique_ptr<ProjectionSet> projections_;
  Selectivity selectivity_;
  std::unique_ptr<Learning> learned_;
  std::unique_ptr<Statistics> statistics_;
  std::unique_ptr<Embeddings> embeddings_;
  std::atomic<std::uint64_t> session_lsn_{0};
  std::atomic<bool> catalog_stale_{false};
  std::atomic<bool> closed_{false};
  TableShapes shapes_;                           ///< Known from earlier commits; used on a shared store only.
  std::atomic<bool> history_changed_{false};     ///< The database went over into another history (I3).
  std::optional<std::uint64_t> kept_watermark_;  ///< Of projections that this process has not opened yet.
  runtime::RetryPolicy retries_;                 ///< Of commits with an idempotency key.
  std::unique_ptr<ClusterNode> node_;            ///< Null unless the store is shared.
};

}  // namespace triune::hive
