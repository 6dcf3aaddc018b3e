// One collection: a Lance table, the changes it has not taken yet, and the position that both together stand at.
//
// A change enters the open buffer and is seen at once. When the buffer is full or old it is frozen and written to the
// table, while searches go on to compare with it; only then it is forgotten. `save` seals what the table then is.
//
// Invariants
//  1. A search sees the buffers and the table of one View. Whatever is written to the table while the View is held
//     is in its frozen buffer, whose keys hide the table's: so a batch is seen whole or not at all (I3).
//  2. The table is written, compacted, indexed and pruned by the holder of `writing_` alone: LanceDB leaves two rows
//     of a key that two writers upsert at once.
//  3. Files of the sealed version are removed only under a seal that says so (`pruning`); `saved_position_` is the
//     position inside the seal, never ahead of it (I3).
//
// Lock order: writing_, then mutex_. Waiting for Views to be let go needs no lock but writing_.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "adapters/lancedb/seal.h"
#include "adapters/lancedb/view.h"
#include "contract/vector_store.h"

namespace triune::adapters::lancedb {

/// Bounds; tests make them small.
struct Settings {
  std::size_t flush_rows = 1'000;              ///< Changes that are written together, or
  std::chrono::milliseconds flush_age{1'000};  ///< as many as came in this time.
  std::size_t most_buffered = 16'384;          ///< Changes beyond which a writer waits for the table.
  std::size_t index_from = 20'000;             ///< Vectors from which on there is a vector index,
  std::size_t index_bytes = 8U << 20U;         ///< or fewer, of so many bytes, but
  std::size_t least_indexed = 2'500;           ///< none below.
  std::size_t graph_from_bytes = 1U << 20U;    ///< A byte a value, in partitions that a search must look into.
  std::size_t scalar_index_from = 20'000;      ///< Rows from which on keys and labels are indexed.
  std::size_t flushes_before_compaction = 32;
  std::size_t flushes_before_a_look = 8;   ///< After so many, or many rows, the table's state is looked at.
  std::uint64_t most_versions = 64;        ///< Above it old ones are removed,
  std::uint32_t kept_versions = 8;         ///< but so many.
  std::size_t most_filter_keys = 20'000;   ///< More are never sent to LanceDB but looked up in its answers.
  std::size_t rows_in_load = 16'384;       ///< Vectors sent at once in a bulk load, at most
  std::size_t bytes_in_load = 64U << 20U;  ///< and as many as fit into this.
};

/// The settings for vectors of this dimension: comparing all takes as long as there are bytes.
Settings settings_for(Settings settings, std::uint32_t dimension);

/// Thread rule: any thread.
class Collection {
 public:
  using VectorVisitor = std::function<Status(contract::VectorKey, std::span<const float>)>;

  /// `database` is where the table's files are: `folder` or below `s3://…`.
  Collection(contract::VectorSpecification specification, std::filesystem::path folder, std::string database,
             std::shared_ptr<Worker> worker, const Settings& settings);
  Collection(const Collection&) = delete;
  Collection& operator=(const Collection&) = delete;
  ~Collection();

  [[nodiscard]] const contract::VectorSpecification& specification() const { return specification_; }

  /// Goes back to what was sealed last. Call once, before anything else.
  Status load();
  Status save();
  Status drop();
  Status apply(const contract::VectorBatch& batch);
  Status bulk_load(std::uint64_t expected, const contract::VectorSource& source, const contract::Position& position);
  Result<contract::VectorAnswer> search(std::span<const float> query, const contract::VectorQueryOptions& options);
  Status scan(const VectorVisitor& visitor);
  Result<std::optional<contract::Position>> position();
  Result<std::optional<contract::Position>> saved_position();
  Result<contract::VectorStatistics> statistics();

  /// Beyond the contract: what LanceDB can do besides.
  Result<std::vector<TableVersion>> versions();
  Result<contract::VectorAnswer> search_version(std::uint64_t version, std::span<const float> query,
                                                const contract::VectorQueryOptions& options);
  Result<std::vector<contract::VectorMatch>> search_text(std::string_view text, std::size_t count, Deadline deadline);
  Result<TableStatistics> table_statistics();

  /// Writes what is full or old, and keeps the table in bounds. Called again and again by the store's thread.
  Status upkeep();
  /// Whether a writer should not wait for the thread's next turn.
  [[nodiscard]] bool is_full();

 private:
  // collection.cpp
  Status remove_unsealed(const Seal& sealed) const;
  Status open_sealed(const Seal& sealed);
  Result<std::string> check_keys(Table& table, const Seal& sealed);
  Result<View> view();
  [[nodiscard]] Error gone() const;
  [[nodiscard]] std::shared_ptr<const BufferedRow> row_of(const contract::VectorEntry& entry) const;
  [[nodiscard]] std::vector<float> scaled(std::span<const float> values, float& length) const;
  [[nodiscard]] std::string metric_name() const;
  [[nodiscard]] std::shared_ptr<Table> new_table() const;

  // collection_search.cpp
  void search_buffers(const View& view, std::span<const float> query, const contract::VectorQueryOptions& options,
                      std::vector<contract::VectorMatch>& matches) const;

  // collection_upkeep.cpp: with writing_ held
  Status flush();
  Result<std::shared_ptr<const Buffer>> freeze(std::optional<contract::Position>& position);
  Status write(const Buffer& buffer);
  Status seal(bool pruning);
  [[nodiscard]] bool needs_maintenance() const;
  /// Whether a graph in place of the vector index there is would have been paid back by now, and has room.
  [[nodiscard]] bool is_graph_due() const;
  Status maintain();
  /// `for_searches`: a graph is made where there is room, whatever was searched so far.
  Status build_indices(const TableStatistics& statistics, bool for_searches = false);
  Status build_missing(const TableStatistics& statistics, bool for_searches);
  [[nodiscard]] bool needs_vector_index(const TableStatistics& statistics) const;
  Status build_vector_index(std::uint64_t rows, bool for_searches);
  Status build_partitions(std::uint64_t rows);
  Status build_graph(std::uint64_t rows);
  [[nodiscard]] bool graph_pays() const;
  [[nodiscard]] bool has_room_for_graph(std::uint64_t rows) const;
  /// Says what the graph that there is takes of the process's cache, if there is one.
  void take_graph_room(std::uint64_t rows);
  Status prune();
  Status wait_for_views();
  Status fill(Table& table, const contract::VectorSource& source, std::uint64_t& rows);
  Status drop_retired();

  const contract::VectorSpecification specification_;
  const std::filesystem::path folder_;
  const std::string database_;
  const bool is_local_;
  const std::shared_ptr<Worker> worker_;
  const Settings settings_;

  std::mutex writing_;
  SealedFiles sealed_files_;                     // guarded by writing_
  std::vector<std::shared_ptr<Table>> retired_;  // guarded by writing_: replaced, removed after the next seal
  std::size_t flushes_ = 0;                      // guarded by writing_: since the last compaction
  std::uint64_t trained_ = 0;                    // guarded by writing_: rows the vector index was trained on
  std::uint64_t table_version_ = 0;              // guarded by writing_
  std::string keys_digest_;                      // guarded by writing_: of the table's keys, empty when not known
  bool has_seal_ = false;                        // guarded by writing_
  bool was_dropped_ = false;                     // guarded by writing_
  std::uint64_t rows_since_upkeep_ = 0;          // guarded by writing_: written since
  std::size_t flushes_since_upkeep_ = 0;         // guarded by writing_

  std::mutex mutex_;
  View state_;                                           // guarded by mutex_
  bool open_is_shared_ = false;                          // guarded by mutex_: a View holds the open buffer
  std::optional<contract::Position> position_;           // guarded by mutex_
  std::optional<contract::Position> flushed_position_;   // guarded by mutex_
  std::optional<contract::Position> saved_position_;     // guarded by mutex_
  std::uint64_t changes_ = 0;                            // guarded by mutex_
  std::uint64_t flushed_changes_ = 0;                    // guarded by mutex_
  std::uint64_t saved_changes_ = 0;                      // guarded by mutex_
  std::optional<Deadline::Clock::time_point> first_at_;  // guarded by mutex_: when the open buffer's first change came
  bool dropped_ = false;                                 // guarded by mutex_
  std::atomic<std::uint32_t> scans_{0};                  ///< Readers of versions that are not the newest.
  std::atomic<std::uint64_t> searches_{0};               ///< Of the table, since its vector index was made.
};

}  // namespace triune::adapters::lancedb
