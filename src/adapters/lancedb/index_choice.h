// Which vector index a table is worth, and when the one it has is worn. Rules without state; the figures behind them
// are in docs/decisions/0026.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>

#include "triune/schema.h"

namespace triune::adapters::lancedb {

enum class IndexKind : std::uint8_t { key, labels, ivf_sq, ivf_pq, hnsw };

/// The bytes of the process's cache that graphs may fill: a graph that is dropped from the cache between two searches
/// is read again from its file as a whole, which costs more than it saves. Of all tables of the process together.
/// Thread rule: any thread.
class GraphRoom {
 public:
  explicit GraphRoom(std::uint64_t cache_bytes) : most_(cache_bytes / 4 * 3) {}
  GraphRoom(const GraphRoom&) = delete;
  GraphRoom& operator=(const GraphRoom&) = delete;

  /// Whether a graph of so many bytes would fit beside those of all but `owner`.
  [[nodiscard]] bool fits(const void* owner, std::uint64_t bytes) const;
  /// Says how many bytes the owner's graph takes; 0: it has none any more. Also when they do not fit.
  void set(const void* owner, std::uint64_t bytes);

 private:
  const std::uint64_t most_;
  mutable std::mutex mutex_;
  std::map<const void*, std::uint64_t> taken_;  // guarded by mutex_
};

/// Bytes in the process's cache of a graph over `rows` vectors.
std::uint64_t graph_bytes(std::uint64_t rows, std::uint32_t dimension);

/// Whether so many searches since the last index was made would have paid for making a graph of it.
bool graph_is_paid_back(std::uint64_t searches, std::uint64_t rows);

/// Of a vector index of partitions.
inline constexpr std::uint32_t rows_in_partition = 1'024;

/// How many of the nearest of a row are looked for in a trial.
inline constexpr std::uint32_t tried_count = 10;

/// What a trial with rows of the table found to be enough, when its index was made.
struct Trial {
  std::uint32_t probes = 0;  ///< Partitions that are looked into; 0: it was not tried.
  std::uint32_t refine = 0;  ///< So many times as many as are asked for are compared exactly.
  std::uint64_t rows = 0;    ///< In the table then.
};

/// So many are enough of vectors that no partition suits.
std::uint32_t untried_probes(std::uint64_t rows);

/// What is searched for.
struct Wanted {
  std::uint64_t rows = 0;      ///< In the table by now.
  std::uint64_t admitted = 0;  ///< By a filter; all rows without one.
  std::size_t count = 0;       ///< Of the nearest.
};
/// So many are enough for it.
std::uint32_t probes_among(const Trial& trial, const Wanted& wanted);

/// Whether comparing what lies in so many partitions takes so long that a graph pays; also when it was not tried.
/// `least_bytes`: as in Settings.
bool graph_pays(const Trial& trial, std::uint32_t dimension, std::uint64_t least_bytes);

/// What is made where there is no graph: product quantisation where it halves an index that no longer fits memory.
IndexKind partitioned_index(Metric metric, std::uint32_t dimension, std::uint64_t rows);

/// So many times as many as are asked for are compared exactly, where it was not tried, and at least.
std::uint32_t least_refine(IndexKind kind);
/// More are not tried.
inline constexpr std::uint32_t most_refine = 32;

/// What an index has become since it was made.
struct IndexState {
  IndexKind kind = IndexKind::ivf_sq;
  std::uint64_t rows = 0;      ///< In the table now.
  std::uint64_t trained = 0;   ///< Rows it was made of.
  std::uint64_t segments = 1;  ///< Each compaction adds one, and each search looks into all of them.
};
/// Whether it should be made anew from all rows.
bool is_worn(const IndexState& index);

}  // namespace triune::adapters::lancedb
