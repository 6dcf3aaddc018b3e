// The contract of a vector engine.
//
// A vector is keyed by a 64-bit number that the caller chooses (the hive takes the canonical row's). Vectors are f32 as
// given; an engine may quantise its copy, so distances it returns may be approximate and the hive ranks again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/capabilities.h"
#include "contract/position.h"
#include "triune/deadline.h"
#include "triune/schema.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::contract {

using VectorKey = std::uint64_t;

struct VectorSpecification {
  std::string collection;  ///< Any text; the adapter makes a safe file name of it.
  std::uint32_t dimension = 0;
  Metric metric = Metric::cosine;
};

struct VectorEntry {
  VectorKey key = 0;
  std::vector<float> values;
  Record metadata;  ///< Kept only by engines with `metadata_filter`; the hive keeps it in the canonical store instead.
};

/// One atomic step. A key occurs once in each list at most; deletes come first.
struct VectorBatch {
  std::vector<VectorEntry> puts;
  std::vector<VectorKey> deletes;
  std::optional<Position> position;  ///< Committed together with the data (I3).
};

/// Supplies vectors for a first load: calls the visitor once for each.
using VectorSource = std::function<Status(const std::function<Status(const VectorEntry&)>&)>;

/// What a hit must satisfy: be in `keys` (sorted, unique) when given, and have every metadata value in `equals`.
struct VectorFilter {
  std::optional<std::vector<VectorKey>> keys;
  Record equals;
};

struct VectorQueryOptions {
  std::size_t count = 10;
  VectorFilter filter;
  bool exact = false;
  /// How many candidates are kept while an index is searched; 0: as many as the engine finds good. Fewer are faster
  /// and miss more. Never fewer than `count`.
  std::uint32_t effort = 0;
  Deadline deadline = Deadline::after(std::chrono::seconds(30));
};

struct VectorMatch {
  VectorKey key = 0;
  float distance = 0;
};

struct VectorAnswer {
  std::vector<VectorMatch> matches;  ///< Nearest first; exactly `count`, or all that satisfy the filter.
  std::string strategy;              ///< "index", "index with filter", "scan of N".
};

struct VectorStatistics {
  std::uint64_t vectors = 0;
  std::uint64_t unindexed = 0;  ///< Held, searched exactly, not yet in the index.
  std::uint64_t memory_bytes = 0;
  std::uint64_t file_bytes = 0;
};

class VectorStore {
 public:
  virtual ~VectorStore() = default;  ///< Closes; what `save` did not reach may be lost, with its position (I3).

  [[nodiscard]] virtual VectorCapabilities capabilities() const = 0;
  /// Opens the collection's files or starts an empty one. Errors: `conflict` (other dimension or metric), `corruption`
  /// (the file is damaged: the caller drops it and rebuilds).
  virtual Status open_collection(const VectorSpecification& specification) = 0;
  /// Forgets the collection and removes its files. Works on damaged ones.
  virtual Status drop_collection(std::string_view collection) = 0;
  /// Applies a batch: later searches see all of it. Errors: `invalid_argument` (dimension, NaN, duplicate key), nothing
  /// applied then.
  virtual Status apply(std::string_view collection, const VectorBatch& batch) = 0;
  /// Fills an empty collection of about `expected` vectors with all threads.
  virtual Status bulk_load(std::string_view collection, std::uint64_t expected, const VectorSource& source,
                           const Position& position) = 0;
  /// Position of what searches see now.
  virtual Result<std::optional<Position>> position(std::string_view collection) = 0;
  /// Position of what is on disk, which a crash falls back to.
  virtual Result<std::optional<Position>> saved_position(std::string_view collection) = 0;
  virtual Result<VectorAnswer> search(std::string_view collection, std::span<const float> query,
                                      const VectorQueryOptions& options) = 0;
  /// Every key held with its vector as the engine kept it, in no order, for `verify`.
  virtual Status scan(std::string_view collection,
                      const std::function<Status(VectorKey, std::span<const float>)>& visitor) = 0;
  virtual Result<VectorStatistics> statistics(std::string_view collection) = 0;
  /// Makes the collection durable: temporary file, fsync, rename, with a checksum and the position inside.
  virtual Status save(std::string_view collection) = 0;
};

}  // namespace triune::contract
