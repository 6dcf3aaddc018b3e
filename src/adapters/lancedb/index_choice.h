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

/// What is made where there is no graph: product quantisation where it halves an index that no longer fits memory.
IndexKind partitioned_index(Metric metric, std::uint32_t dimension, std::uint64_t rows);

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
