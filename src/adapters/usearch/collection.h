// One collection: rows, the graph over most of them, metadata, and the position that all of it stands at.
//
// Small collections have no graph and are scanned exactly. In larger ones new vectors are fresh at first, which a
// search scans besides asking the graph; maintenance adds them to the graph in short turns.
//
// Invariants
//  1. `body_` and `position_` change together with the gate closed: a search sees a batch whole or not at all (I3).
//  2. Every live row is either found through the graph (indexed) or scanned (fresh, stray): none is out of reach.
//  3. `saved_position_` is the position inside the snapshot on disk, never ahead of it (I3).
//  4. Only the holder of `maintenance_` adds to the graph or replaces it, and only with the gate closed.
//
// Lock order: maintenance_ or saving_, then the gate, then saved_mutex_.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "adapters/usearch/gate.h"
#include "adapters/usearch/graph.h"
#include "adapters/usearch/rows.h"
#include "adapters/usearch/scorer.h"
#include "contract/vector_store.h"

namespace triune::adapters::usearch {

class SnapshotReader;
class SnapshotWriter;

/// Bounds that decide when there is a graph and how it is kept. The defaults were measured; tests make them small.
struct Settings {
  GraphTuning tuning;
  std::uint32_t threads = 2;        ///< For building a whole graph.
  std::uint32_t seats = 16;         ///< Searches at once; more wait.
  std::size_t index_from = 10'000;  ///< Vectors from which on there is a graph.
  std::size_t most_fresh = 4'096;   ///< Vectors scanned besides the graph before they are added to it.
  double most_tombstones = 0.25;    ///< Share of the graph that may be deleted before it is built anew.
  /// Meeting a vector on a walk through the graph costs this many times one of a scan: its place is random, and it
  /// passes two queues. Measured at 100,000 x 384, where both cost the same when a filter admits 24 %.
  double walk_cost = 5.5;
};

/// What a collection holds.
struct Body {
  Body(const Scorer& scorer_used) : scorer(&scorer_used), rows(scorer_used.bytes()) {}

  const Scorer* scorer;
  Rows rows;
  std::unique_ptr<Graph> graph;                              ///< None while the collection is small.
  std::unordered_map<contract::VectorKey, Record> metadata;  ///< Of entries that have any.
};

/// Thread rule: any thread.
class Collection {
 public:
  using VectorVisitor = std::function<Status(contract::VectorKey, std::span<const float>)>;

  Collection(contract::VectorSpecification specification, std::filesystem::path file, const Settings& settings);

  [[nodiscard]] const contract::VectorSpecification& specification() const { return specification_; }

  /// Reads the snapshot if there is one. Call once, before anything else.
  Status load();
  /// Writes a snapshot of now; nothing to do when nothing changed. Searches go on; writers wait while links are
  /// written.
  Status save();
  /// Removes the file; every later call fails with `not_found`.
  Status drop();

  Status apply(const contract::VectorBatch& batch);
  Status bulk_load(std::uint64_t expected, const contract::VectorSource& source, const contract::Position& position);
  Result<contract::VectorAnswer> search(std::span<const float> query, const contract::VectorQueryOptions& options);
  Status scan(const VectorVisitor& visitor);
  Result<std::optional<contract::Position>> position();
  Result<std::optional<contract::Position>> saved_position();
  Result<contract::VectorStatistics> statistics();

  /// Whether `maintain` has something to do.
  bool needs_maintenance();
  /// Adds fresh vectors to the graph, builds it anew when too much of it is deleted, finds out whom it cannot reach.
  /// Returns early when `stop` is set.
  Status maintain(const std::atomic<bool>& stop);

 private:
  struct Packed;
  struct Probe;
  class Selection;

  // collection.cpp
  Packed pack(std::span<const contract::VectorEntry> entries) const;
  static void put_all(Body& body, const contract::VectorBatch& batch, const Packed& packed);
  void widen(Body& body) const;
  void add_some_if_behind();
  [[nodiscard]] Error gone() const;

  // collection_search.cpp
  Result<contract::VectorAnswer> answer(const Probe& probe, const contract::VectorQueryOptions& options,
                                        std::uint32_t seat);
  [[nodiscard]] bool prefers_scan(std::size_t candidates, const contract::VectorQueryOptions& options) const;
  Result<contract::VectorAnswer> ask_index(const Probe& probe, const contract::VectorQueryOptions& options,
                                           const Selection& selection, std::uint32_t seat);
  [[nodiscard]] std::vector<Row> chosen_rows(const Selection& selection) const;
  Result<contract::VectorAnswer> scan_exactly(const Probe& probe, const contract::VectorQueryOptions& options,
                                              const Selection& selection) const;

  // collection_index.cpp
  enum class Task : std::uint8_t { nothing, add, rebuild, drop_graph };
  [[nodiscard]] Task next_task(bool draining) const;
  Status add_burst(std::size_t most);
  Status rebuild(const std::atomic<bool>& stop);
  Status mark_strays();
  Result<std::vector<Row>> lost_of(const Graph& graph, const Graph::VectorOf& vector_of) const;
  Result<std::unique_ptr<Graph>> build_graph(const Scorer& scorer, std::span<const Row> rows,
                                             const Graph::VectorOf& vector_of, const std::atomic<bool>& stop) const;
  Status fill(Body& body, std::uint64_t expected, const contract::VectorSource& source) const;

  // collection_snapshot.cpp
  struct Capture;
  Status write_guarded_part(SnapshotWriter& writer, Capture& capture);
  static Status write_rest(SnapshotWriter& writer, const Capture& capture);
  Status read_description(SnapshotReader& reader);
  Status read_body(SnapshotReader& reader);
  Status read_metadata(SnapshotReader& reader);

  const contract::VectorSpecification specification_;
  const std::filesystem::path file_;
  const Settings settings_;
  const Scorer narrow_;  ///< As collections begin.
  const Scorer wide_;    ///< For values that f16 cannot hold.

  Gate gate_;
  Body body_;                                          // guarded by gate_
  std::optional<contract::Position> position_;         // guarded by gate_
  std::uint64_t version_ = 0;                          // guarded by gate_: counts changes
  bool dropped_ = false;                               // guarded by gate_
  std::atomic<std::uint64_t> usual_distances_{1'000};  ///< Computed in a search of the graph without a filter.
  std::atomic<Scalar> scalar_;                         ///< Of `body_.scorer`, for packing outside the gate.

  std::mutex maintenance_;
  std::size_t checked_nodes_ = 0;                   // guarded by maintenance_: nodes whose reachability was tried
  std::size_t all_checked_nodes_ = 0;               // guarded by maintenance_: how many there were when all were tried
  std::atomic<std::size_t> unavoidable_strays_{0};  ///< Whom even a graph just built could not reach.
  std::mutex saving_;
  std::mutex saved_mutex_;
  std::optional<contract::Position> saved_position_;  // guarded by saved_mutex_
  std::uint64_t saved_version_ = 0;                   // guarded by saved_mutex_
  std::uint64_t generation_ = 0;                      // guarded by saving_
};

}  // namespace triune::adapters::usearch
