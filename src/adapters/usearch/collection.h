// One collection: vectors in memory with a graph over most of them, segments on disk, metadata, and the position that
// all of it stands at.
//
// Small collections have no graph and are scanned exactly. In larger ones new vectors are fresh at first, which a
// search scans besides asking the graph; maintenance adds them to the graph in short turns. What outgrows memory is
// frozen into segments, which maintenance merges: few of them, and none with many deleted.
//
// Invariants
//  1. `body_`, `parts_` and `position_` change together with the gate closed: a search sees a batch whole or not at all
//     (I3).
//  2. Every live row is either found through a graph (indexed) or scanned (fresh, stray): none is out of reach.
//  3. `saved_position_` is the position inside the snapshot on disk, never ahead of it (I3).
//  4. Only the holder of `maintenance_` adds to the graph or replaces body_ or its graph, and only with the gate
//  closed.
//  5. A key lives once: in body_ or in one part. Only the holder of `merging_` takes parts away.
//  6. The files of every segment that the snapshot on disk names are there.
//
// Lock order: merging_, maintenance_, saving_, the gate, saved_mutex_.
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
#include "adapters/usearch/part.h"
#include "adapters/usearch/part_search.h"
#include "adapters/usearch/probe.h"
#include "adapters/usearch/rows.h"
#include "adapters/usearch/scorer.h"
#include "adapters/usearch/settings.h"
#include "contract/vector_store.h"

namespace triune::adapters::usearch {

class SnapshotReader;
class SnapshotWriter;

/// What a collection holds in memory.
struct Body {
  Body(const Scorer& scorer_used) : scorer(&scorer_used), rows(scorer_used.bytes()) {}

  const Scorer* scorer;
  Rows rows;
  std::unique_ptr<Graph> graph;                              ///< None while the collection is small.
  std::unordered_map<contract::VectorKey, Record> metadata;  ///< Of entries that have any, also in segments.
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
  /// Removes the files; every later call fails with `not_found`.
  Status drop();
  /// Removes the files of a collection that is not open.
  static Status remove_files(const std::filesystem::path& file);

  Status apply(const contract::VectorBatch& batch);
  Status bulk_load(std::uint64_t expected, const contract::VectorSource& source, const contract::Position& position);
  Result<contract::VectorAnswer> search(std::span<const float> query, const contract::VectorQueryOptions& options);
  Status scan(const VectorVisitor& visitor);
  Result<std::optional<contract::Position>> position();
  Result<std::optional<contract::Position>> saved_position();
  Result<contract::VectorStatistics> statistics();

  /// Whether `maintain` has something to do.
  bool needs_maintenance();
  /// Adds fresh vectors to the graph, builds it anew when too much of it is deleted, finds out whom it cannot reach;
  /// freezes what has grown too large, merges segments. Returns early after `stop`.
  Status maintain();
  /// Maintenance and loads that are under way, and all that follow, end soon.
  void stop() { stop_ = true; }

 private:
  struct Packed;

  // collection.cpp
  Packed pack(std::span<const contract::VectorEntry> entries) const;
  void put_all(const contract::VectorBatch& batch, const Packed& packed);
  void bury(contract::VectorKey key);
  void widen(Body& body) const;
  [[nodiscard]] std::size_t live() const;
  [[nodiscard]] Error gone() const;

  // collection_search.cpp
  [[nodiscard]] Selection select(const contract::VectorFilter& filter) const;
  Status search_body(const Probe& probe, const contract::VectorQueryOptions& options, const Selection& selection,
                     std::uint32_t seat, Found& found);
  [[nodiscard]] std::size_t expansion_of(const contract::VectorQueryOptions& options) const;
  /// False when the graph led to fewer than there are.
  Result<bool> ask_index(const Probe& probe, const contract::VectorQueryOptions& options, const Selection& selection,
                         std::uint32_t seat, Found& found);
  [[nodiscard]] std::vector<Row> chosen_rows(const Selection& selection) const;
  Status scan_exactly(const Probe& probe, const contract::VectorQueryOptions& options, const Selection& selection,
                      Found& found) const;

  // collection_index.cpp
  enum class Task : std::uint8_t { nothing, add, rebuild, drop_graph, freeze };
  [[nodiscard]] Task next_task(bool draining) const;
  void help_if_behind();
  Status maintain_body();
  Status add_burst(std::size_t most);
  Status rebuild();
  void drop_graph();
  Status mark_strays();

  // collection_segments.cpp
  [[nodiscard]] SegmentHome home() const { return {specification_, file_, narrow_, wide_, settings_}; }
  [[nodiscard]] std::size_t body_bytes(const Body& body) const;
  [[nodiscard]] std::size_t largest_segment() const;
  [[nodiscard]] std::vector<std::size_t> parts_to_merge() const;
  /// A mapped segment that there is room to hold; null when there is none.
  [[nodiscard]] const Segment* segment_to_hold() const;
  Status hold_segments();
  [[nodiscard]] bool may_freeze() const { return std::chrono::steady_clock::now() >= freeze_again_at_.load(); }
  /// Bytes of a body above which it is frozen.
  [[nodiscard]] std::size_t freeze_bound(bool has_segments) const {
    return has_segments ? std::min(settings_.freeze_from, settings_.freeze_more_from) : settings_.freeze_from;
  }
  Status freeze();
  Status freeze_what_there_is();
  Status merge_parts();
  Status publish_merged(std::span<const Part> sources, std::shared_ptr<const Segment> segment);
  Status discard_replaced();
  [[nodiscard]] Status remove_segment(std::uint64_t number) const;

  // collection_load.cpp
  struct Loaded;
  [[nodiscard]] std::size_t loaded_row_bytes() const;
  Status fill(Loaded& loaded, std::uint64_t expected, const contract::VectorSource& source);
  Status spill(Loaded& loaded);
  Status finish(Loaded& loaded);

  // collection_snapshot.cpp
  struct Capture;
  Status write_guarded_part(SnapshotWriter& writer, Capture& capture);
  static Status write_rest(SnapshotWriter& writer, const Capture& capture);
  Status read_description(SnapshotReader& reader);
  Status read_body(SnapshotReader& reader);
  Status read_metadata(SnapshotReader& reader);
  Status read_parts(SnapshotReader& reader);

  const contract::VectorSpecification specification_;
  const std::filesystem::path file_;
  const Settings settings_;
  const Scorer narrow_;  ///< As collections begin.
  const Scorer wide_;    ///< For values that f16 cannot hold.

  Gate gate_;
  Body body_;                                   // guarded by gate_
  std::vector<Part> parts_;                     // guarded by gate_
  std::optional<contract::Position> position_;  // guarded by gate_
  std::uint64_t version_ = 0;                   // guarded by gate_: counts changes
  bool dropped_ = false;                        // guarded by gate_
  WalkCosts body_costs_{settings_.walk_cost};
  WalkCosts part_costs_{settings_.walk_cost};
  std::atomic<Scalar> scalar_;  ///< Of `body_.scorer`, for packing outside the gate.
  std::atomic<std::uint64_t> next_segment_{1};
  std::atomic<std::chrono::steady_clock::time_point> freeze_again_at_{};  ///< Later than now after one that failed.
  std::atomic<bool> stop_{false};

  std::mutex merging_;
  std::mutex maintenance_;
  std::size_t checked_nodes_ = 0;                   // guarded by maintenance_: nodes whose reachability was tried
  std::size_t all_checked_nodes_ = 0;               // guarded by maintenance_: how many there were when all were tried
  std::atomic<std::size_t> unavoidable_strays_{0};  ///< Whom even a graph just built could not reach.
  std::mutex saving_;
  std::mutex saved_mutex_;
  std::optional<contract::Position> saved_position_;  // guarded by saved_mutex_
  std::uint64_t saved_version_ = 0;                   // guarded by saved_mutex_
  std::vector<std::uint64_t> replaced_;  // guarded by saved_mutex_: segments whose files can go with a save
  std::uint64_t generation_ = 0;         // guarded by saving_
};

}  // namespace triune::adapters::usearch
