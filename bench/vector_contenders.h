// Vector engines that are measured against each other on the same vectors: ours behind contract::VectorStore, and the
// raw ones. All vectors have length 1, so that cosine, inner product and distance rank alike.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "raw_usearch.h"

namespace triune::bench {

using Keys = std::vector<std::uint64_t>;

/// What became of one run of queries, one after the other.
struct VectorRun {
  std::vector<Keys> found;  ///< The nearest of each query, nearest first.
  double seconds = 0;
};

/// Rows that searches may return: all `row` with `bucket(row) < limit` of 1,000 buckets.
struct AdmittedRows {
  std::int64_t limit = 0;
  Keys rows;                ///< Sorted.
  std::vector<bool> flags;  ///< By row.
};

/// One engine with one collection. Rows of the table are its keys. What cannot be done throws.
class VectorContender {
 public:
  virtual ~VectorContender() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual bool is_ours() const { return false; }
  /// Adds all rows and makes the index, with two threads.
  virtual void build(const VectorTable& table) = 0;
  /// What searches can be told about how much to look at: cheapest first.
  [[nodiscard]] virtual std::vector<std::size_t> efforts() const = 0;
  [[nodiscard]] virtual std::string effort_name() const { return "ef"; }
  /// Asks for the nearest `count` of rows `first` to `last` of `queries`, on one thread; among `admitted` when given.
  virtual VectorRun run(const VectorTable& queries, std::size_t first, std::size_t last, std::size_t count,
                        std::size_t effort, const AdmittedRows* admitted) = 0;
  [[nodiscard]] virtual bool can_filter() const { return false; }
  [[nodiscard]] virtual bool can_change() const { return false; }
  /// Deletes rows, then adds them again.
  virtual void churn(const VectorTable& table, const Keys& rows);
  /// Memory of processes of its own; what is in this process the bench measures itself.
  [[nodiscard]] virtual std::uint64_t other_kilobytes() const { return 0; }
};

/// All there are; tells of engines that are not there how to get them. Files go below `folder`. `with_slow`: also
/// LanceDB's index that takes minutes for 100,000 vectors. TRIUNE_BENCH_WITHOUT leaves out what it names, between
/// commas.
std::vector<std::unique_ptr<VectorContender>> vector_contenders(const std::filesystem::path& folder, bool with_slow,
                                                                std::vector<std::string>& missing);

/// Each kind; null where it was not built or installed.
std::unique_ptr<VectorContender> usearch_contender();
std::unique_ptr<VectorContender> hnswlib_contender();
std::unique_ptr<VectorContender> faiss_hnsw_contender();
std::unique_ptr<VectorContender> faiss_ivf_contender();
/// `kind`: ivf_sq, ivf_pq or hnsw_sq, in a Python process of its own.
std::unique_ptr<VectorContender> lancedb_contender(const std::filesystem::path& folder, const std::string& kind);
/// `engine`: usearch or lancedb.
std::unique_ptr<VectorContender> our_contender(const std::filesystem::path& folder, const std::string& engine);

/// Resident memory of a process, and of all that this one has started.
std::uint64_t kilobytes_of(int process);
std::uint64_t children_kilobytes();

}  // namespace triune::bench
