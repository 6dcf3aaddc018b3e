// The hive: one opened instance of the data layer. Start reading here.
//
//   auto hive = triune::Hive::open("./hive");
//   auto receipt = (*hive)->commit({.changes = {PutNode{{"Agent", "ada"}, {{"role", "reviewer"}}}}});
//   auto rows = (*hive)->cypher("MATCH (a:Agent) RETURN a.id, a.role");
//
// Thread rule: every method may be called from any thread at any time until `close`. Methods that block take a
// deadline.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/change.h"
#include "triune/cluster.h"
#include "triune/deadline.h"
#include "triune/embedder.h"
#include "triune/placement.h"
#include "triune/query.h"
#include "triune/schema.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune {

/// How a hive is opened.
struct HiveOptions {
  std::string organization = "default";  ///< The tenant all calls act for (I7).
  bool create = true;                    ///< False: a directory without a hive is `not_found`.
  bool project_in_background = true;     ///< False: projections rest until a read, `wait` or `status` asks for them.
  std::uint64_t graph_memory_bytes = 192ULL << 20U;  ///< Buffer pool of the graph engine.
  /// What a collection's vectors may take of memory before `review_placements` advises LanceDB for them. Bounds
  /// nothing.
  std::uint64_t vector_memory_bytes = 1ULL << 30U;
  std::uint64_t relational_cache_bytes = 32ULL << 20U;  ///< Page cache of a directory's writing connection.
  std::uint32_t readers = 4;                            ///< Connections in the read pool of a directory.
  std::uint32_t engine_threads = 2;                     ///< Threads an engine may use for one call.
  /// How long a commit's idempotency key is remembered; zero: for ever. Older ones are forgotten when the hive closes,
  /// at most once a day, and by `sweep`: a commit sent again after that takes effect again (I11).
  std::chrono::seconds idempotency_retention = std::chrono::days(30);
  std::string idempotency_namespace;  ///< Prefix of idempotency keys; for several programs sharing a hive.
  /// Embedders of the program's own, by the name that collections give; before those of `make_embedder`.
  std::map<std::string, std::shared_ptr<Embedder>> embedders;

  // The rest concerns hives on PostgreSQL.
  /// Where this node keeps its projections, in a folder of its own; empty: below the user's state directory.
  std::filesystem::path projections;
  /// Sizes and timeouts of the connection pools: "development", "staging" or "production".
  std::string environment = "development";
  /// Where blobs are: "database", or a directory that all nodes share.
  std::string blobs = "database";
  /// The URL leads to a pooler that gives each transaction another connection (PgBouncer in transaction mode).
  bool transaction_pooler = false;
};

/// Options of a commit.
struct CommitOptions {
  Deadline deadline = Deadline::after(std::chrono::seconds(30));
  /// Wait so long for the projections to reach the commit before the receipt is written; zero: do not wait.
  std::chrono::milliseconds wait_for_projections{0};
};

/// How many of what differ between the canonical store and one projection.
struct Differences {
  std::string projection;
  std::string organization;
  std::uint64_t checked = 0;          ///< Entities compared.
  std::uint64_t missing = 0;          ///< In the canonical store, not in the projection.
  std::uint64_t extra = 0;            ///< In the projection only.
  std::uint64_t different = 0;        ///< In both, with other contents.
  std::vector<std::string> examples;  ///< At most 20, "missing node Person/7".
};

/// A collection that went over to another vector engine.
struct VectorMove {
  std::string collection;
  std::string from;  ///< Engines.
  std::string to;
  std::uint64_t vectors = 0;  ///< Compared with the canonical store before the switch.
  bool resumed = false;       ///< An earlier move had begun it.
};

/// What `verify` found.
struct VerifyReport {
  bool ok = false;
  std::uint64_t lsn = 0;
  std::vector<Differences> projections;
  std::uint64_t blobs_checked = 0;
  std::uint64_t blobs_missing = 0;
  std::uint64_t blobs_corrupt = 0;
  std::vector<std::string> blob_examples;
};

/// Texts of a collection on their way to being vectors.
struct EmbeddingStatus {
  std::string collection;
  std::string embedder;
  std::uint64_t pending = 0;  ///< Texts that are no vectors yet.
  std::string last_error;     ///< Of the last attempt at one of them; empty when none is pending.
};

/// What a hive says of itself.
struct HiveStatus {
  std::string location;   ///< Where the hive is: its directory, or its database's URL without user and password.
  std::string directory;  ///< Of the files of this process: the hive's own, or those of this node's projections.
  std::string incarnation;
  std::uint64_t lsn = 0;  ///< Head of the change log.
  std::uint64_t nodes = 0;
  std::uint64_t edges = 0;
  std::uint64_t vectors = 0;
  std::uint64_t blobs = 0;
  std::uint64_t database_bytes = 0;
  std::vector<ProjectionStatus> projections;
  std::vector<EmbeddingStatus> embeddings;  ///< Of each collection that has an embedder.
  RouteCounts routes;                       ///< Which engines answered, as this process knows it.
  // The rest is of hives on PostgreSQL.
  std::optional<LogHorizon> log;             ///< How far the change log has settled.
  std::vector<ClusterNodeStatus> processes;  ///< Those that share the hive.
  std::vector<ChoreStatus> chores;           ///< Of this process.
  std::vector<PoolStatus> pools;             ///< Of this process.
  std::vector<BreakerStatus> breakers;       ///< Of this process.
  std::string note;                          ///< What cannot be looked at in this database; empty when nothing.
};

/// Called now and then during long work, from the calling thread: done so far, total (0 when unknown).
using Progress = std::function<void(std::string_view stage, std::uint64_t done, std::uint64_t total)>;

/// SQL statements that commit together or not at all. Holds the hive's only writer: keep it short. Not thread-safe.
class Transaction {
 public:
  virtual ~Transaction() = default;  ///< Rolls back when neither `commit` nor `rollback` was called.

  /// Runs one statement and returns its rows. Errors: `invalid_argument` for SQL that does not parse, `conflict` for a
  /// broken constraint; the transaction stays usable.
  virtual Result<RowSet> sql(std::string_view statement, std::span<const Value> parameters = {}) = 0;
  /// Applies changes as `Hive::commit` does; on error none of them is applied and the transaction stays usable.
  virtual Status apply(std::span<const Change> changes) = 0;
  /// Marks a point to return to. Names nest.
  virtual Status savepoint(std::string_view name) = 0;
  /// Undoes everything since the savepoint, which stays.
  virtual Status rollback_to(std::string_view name) = 0;
  /// Makes everything durable. Error with `outcome_unknown`: it may have happened.
  virtual Result<Receipt> commit() = 0;
  /// Undoes everything.
  virtual Status rollback() = 0;
};

/// What a statement returned and, when it was a commit, its receipt. `changes` of the receipt counts entries of the
/// log: rows, and the nodes and edges derived from them.
struct SqlResult {
  RowSet rows;
  std::optional<Receipt> receipt;  ///< Nothing for a statement that only reads.
  std::vector<Route> routes;       ///< Of each place where the statement called another engine.
};

/// Supplies entities to a bulk load, one call each; returns false at the end.
template <class T>
using Supplier = std::function<Result<bool>(T&)>;

/// What SQL is written in.
enum class SqlDialect : std::uint8_t { sqlite, postgresql };

class Hive {
 public:
  /// Opens the hive at `location`, creating it when absent: a directory (also `triune:DIRECTORY`), whose lock is taken
  /// (I9), or a PostgreSQL database `postgresql://…`, which any number of processes share, each with projections of its
  /// own. Blocks until migrations are applied; projections are opened later, in the background. Errors: `unavailable`
  /// with the owner's pid when another process has the directory, or with the reason when the server cannot be reached,
  /// `conflict` when a newer program wrote it, `corruption`, `not_found` (see `HiveOptions::create`).
  static Result<std::unique_ptr<Hive>> open(const std::string& location, HiveOptions options = {});

  virtual ~Hive() = default;  ///< Closes the hive, waiting for work in flight.

  /// Applies all changes or none (I1, I2, I10). Blocks until durable or the deadline; a commit that outlives its
  /// deadline fails with `outcome_unknown`. At most 100,000 changes and 64 MiB.
  virtual Result<Receipt> commit(const Commit& commit, const CommitOptions& options = {}) = 0;
  /// A receipt for the head of the log: what each projection has reached now.
  virtual Result<Receipt> receipt() = 0;
  /// Waits until every projection holds `token`. Errors: `deadline_exceeded`, `conflict` (another incarnation).
  virtual Status wait(const Token& token, Deadline deadline) = 0;

  /// Starts a transaction over several statements. Blocks until the writer is free.
  virtual Result<std::unique_ptr<Transaction>> begin(Deadline deadline) = 0;
  /// Runs one SQL statement. A statement that only reads runs on a reader, sees a snapshot and can change nothing; any
  /// other is a commit of its own. Triune's own tables can be read and not written. Values are bound to `?1`, `?2`, ….
  /// DROP TABLE takes the table's mappings, text indexes, nodes and edges with it; ALTER TABLE takes them along, and is
  /// `conflict` when a column goes that one of them names.
  ///
  /// A statement that reads may call other engines where a table may stand (docs/federation.md): cypher(query
  /// [, parameters]), vector_search(collection, query, k [, where]), text_search(collection, query, k [, where]),
  /// hybrid_search(collection, text, vector, k [, where]), neighbors(node [, type [, direction [, depth]]]),
  /// shortest_path(from, to [, type [, max]]). All of the answer is at least as new as the options ask (I5). EXPLAIN
  /// and EXPLAIN ANALYZE before it return the plan, one line a row; EXPLAIN (ANALYZE, FORMAT JSON) as a document.
  virtual Result<RowSet> sql(std::string_view statement, std::span<const Value> parameters = {},
                             const ReadOptions& options = {}) = 0;
  /// The same with the receipt of a statement that writes, and with the routes of one that called other engines.
  virtual Result<SqlResult> execute(std::string_view statement, std::span<const Value> parameters = {},
                                    const ReadOptions& options = {}) = 0;
  /// How a statement that reads is answered; with `analyze` it is run, and what each step cost is told. Errors: those
  /// of `sql`; `permission_denied` for a statement that writes.
  virtual Result<PlanNode> explain(std::string_view statement, std::span<const Value> parameters = {},
                                   bool analyze = false, const ReadOptions& options = {}) = 0;
  /// Runs one reading Cypher statement on the graph projection; parameters are `$name`. A statement that writes fails
  /// with `permission_denied`.
  virtual Result<RowSet> cypher(std::string_view statement, const Record& parameters = {},
                                const ReadOptions& options = {}) = 0;
  /// The nearest vectors. Always exactly `count` of those that satisfy `where`, or all when fewer.
  virtual Result<VectorSearchResult> search(const VectorSearch& search, const ReadOptions& options = {}) = 0;
  /// Full-text search in the canonical store, so always current.
  virtual Result<std::vector<TextHit>> text(const TextSearch& search, const ReadOptions& options = {}) = 0;

  /// Anchored traversals: the router picks SQL or the graph engine by the query's shape and by statistics.
  virtual Result<Routed<std::vector<Neighbor>>> neighbors(const NeighborsQuery& query,
                                                          const ReadOptions& options = {}) = 0;
  virtual Result<Routed<std::uint64_t>> count_neighbors(const NeighborsQuery& query,
                                                        const ReadOptions& options = {}) = 0;
  virtual Result<Routed<Path>> shortest_path(const PathQuery& query, const ReadOptions& options = {}) = 0;
  virtual Result<Routed<std::uint64_t>> count_paths(const PathCountQuery& query, const ReadOptions& options = {}) = 0;

  /// Point reads, from the canonical store: always current. `not_found` when there is none.
  virtual Result<Record> get_row(std::string_view table, const Record& key) = 0;
  virtual Result<Record> get_node(const NodeReference& node) = 0;
  virtual Result<Record> get_edge(const EdgeReference& edge) = 0;
  virtual Result<PutVector> get_vector(std::string_view collection, std::string_view id) = 0;
  /// The bytes under (owner, name); `corruption` when they no longer match their hash.
  virtual Result<Bytes> get_blob(std::string_view owner, std::string_view name) = 0;

  /// Definitions. Each is idempotent: the same definition again changes nothing, another under the name is `conflict`.
  virtual Status create_collection(const VectorCollection& collection) = 0;
  virtual Status map_nodes(const NodeMapping& mapping) = 0;
  virtual Status map_edges(const EdgeMapping& mapping) = 0;
  virtual Status create_text_index(const TextIndex& index) = 0;

  /// The decisions about collections as recorded, and the routes that queries took. A definition records one.
  virtual Result<PlacementList> placements() = 0;
  /// Why a collection is where it is, and what it was before. `name` may be "KIND:NAME". Errors: `not_found`,
  /// `invalid_argument` when the name is that of several.
  virtual Result<PlacementExplanation> explain_placement(std::string_view name) = 0;
  /// Measures every collection and decides anew; a decision that changed, or that none was recorded of, is recorded and
  /// returned. Nothing is moved. Reads every collection once, networks by their first 100,000 edges.
  virtual Result<std::vector<Placement>> review_placements() = 0;
  /// See `create_optimal_storage`, which is this.
  virtual Result<OptimalStorage> create_storage(const DataCharacteristics& characteristics) = 0;
  /// What to add or drop, from the statements that were read here and what was asked of the projections. Gains are
  /// measured on temporary copies of at most 100,000 rows, until the deadline; on a server for 20 s at most. Changes
  /// nothing. The workload is this node's, and kept over restarts, without any value of a statement.
  virtual Result<AdviceReport> advise(Deadline deadline) = 0;

  /// Loads many entities: batches commit as they go (a killed load is resumed by running it again), the projections
  /// take the engine's bulk path. Idempotent. Returns the receipt of the last batch.
  virtual Result<Receipt> load_nodes(std::string_view label, const Supplier<PutNode>& next,
                                     const Progress& progress = {}) = 0;
  virtual Result<Receipt> load_edges(std::string_view type, std::string_view from_label, std::string_view to_label,
                                     const Supplier<PutEdge>& next, const Progress& progress = {}) = 0;
  virtual Result<Receipt> load_vectors(std::string_view collection, const Supplier<PutVector>& next,
                                       const Progress& progress = {}) = 0;

  /// Takes a collection to another vector engine (docs/vector_engines.md): its copy is made beside the one in use, kept
  /// up with the log, compared with the canonical store and then put in use; searches and writes go on all the time.
  /// Blocks until the copy in use before is gone from disk; other nodes follow by themselves. Whoever dies in between
  /// leaves the engine before in use, and the next call goes on. Errors: `not_found`; `invalid_argument` for an engine
  /// there is none of; `unsupported` for one that is not installed, with how to get it; `conflict` when it is on that
  /// engine already, is being moved or re-embedded; `deadline_exceeded`, and the next call goes on.
  virtual Result<VectorMove> move_vectors(std::string_view collection, const std::string& engine, Deadline deadline,
                                          const Progress& progress = {}) = 0;
  /// Gives up a move that was begun and is not under way any more. Errors: `not_found`; `conflict` while it is.
  virtual Status abort_vector_move(std::string_view collection) = 0;

  /// Where everything stands. Opens the projections of the organization.
  virtual Result<HiveStatus> status() = 0;
  /// Compares the canonical store with every projection both ways, in bounded memory, and checks every blob.
  virtual Result<VerifyReport> verify(const Progress& progress = {}) = 0;
  /// Mends just what `verify` finds; returns what it found.
  virtual Result<VerifyReport> repair(const Progress& progress = {}) = 0;
  /// Makes one projection ("graph", "vector:NAME") or all ("") anew, while reads go on.
  virtual Status rebuild(std::string_view projection, const Progress& progress = {}) = 0;
  /// Deletes unreferenced blobs older than `grace`, log entries that every projection has passed and idempotency keys
  /// that are no longer kept. Returns how many blobs went.
  virtual Result<std::uint64_t> sweep(std::chrono::seconds grace) = 0;

  /// The dialect of SQL that `sql` takes. Any thread; does not block.
  [[nodiscard]] virtual SqlDialect dialect() const = 0;
  /// Saves the projections and releases the lock. Idempotent; every other call fails with `cancelled` afterwards.
  virtual Status close() = 0;
};

}  // namespace triune
