// One Lance table behind the worker: typed calls, Arrow batches.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/lancedb/index_choice.h"
#include "adapters/lancedb/worker.h"
#include "contract/vector_store.h"

namespace triune::adapters::lancedb {

/// A row as it is kept: for cosine scaled to length 1.
struct StoredRow {
  contract::VectorKey key = 0;
  std::vector<float> values;
  float length = 1;
  std::vector<std::string> labels;  ///< What its metadata can be found by.
  std::string text;                 ///< What full-text search finds it by; empty: nothing.
};

/// Where a table is: the database (a directory or `s3://…`), its name in it, its shape.
struct TableAddress {
  std::string database;
  std::string name;
  std::uint32_t dimension = 0;
};

struct TableState {
  std::uint64_t version = 0;
  std::uint64_t rows = 0;
};

struct TableQuery {
  std::span<const float> values;
  std::string metric;  ///< "l2" or "dot".
  std::size_t count = 0;
  bool exact = false;
  std::uint32_t probes = 0;      ///< Partitions that are searched; 0: all.
  std::uint32_t candidates = 0;  ///< That a walk through a graph keeps, if there is one; of use from count x refine on.
  std::uint32_t refine = 1;  ///< So many times `count` are compared exactly; 0: none, the index's own distances come.
  std::string where;         ///< SQL over the labels; may be empty.
  const std::vector<contract::VectorKey>* keys = nullptr;  ///< Only these, when given.
  std::optional<std::uint64_t> version;
  Deadline deadline = Deadline::never();
};

struct TableMatch : contract::VectorMatch {
  std::uint64_t row = 0;  ///< Where the table keeps it until it is compacted; of a search without refining.
};

struct TableStatistics {
  std::uint64_t rows = 0;
  std::uint64_t unindexed = 0;
  std::uint64_t bytes = 0;
  std::uint64_t fragments = 0;
  std::uint64_t small_fragments = 0;
  std::uint64_t versions = 0;
  std::uint64_t segments = 0;  ///< Of the vector index.
  std::optional<IndexKind> vector_index;
  bool has_key_index = false;
  bool has_labels_index = false;
};

/// Which keys a table holds.
struct TableDigest {
  std::uint64_t rows = 0;
  std::uint64_t different = 0;  ///< Less than `rows` when a key is there twice.
  std::string keys;             ///< Of equal sets equal.
};

/// A version that can still be read.
struct TableVersion {
  std::uint64_t number = 0;
  std::int64_t at_milliseconds = 0;  ///< Since the epoch.
  std::uint64_t rows = 0;
};

/// Thread rule: reads from any thread; what writes by one thread at a time (the caller's rule: LanceDB's concurrent
/// upserts of one key leave it twice).
class Table {
 public:
  using Visitor = std::function<Status(contract::VectorKey, std::span<const float> values, float length)>;

  Table(std::shared_ptr<Worker> worker, TableAddress address);

  [[nodiscard]] const TableAddress& address() const { return address_; }

  Status create();
  /// `fresh`: the files were put back to an older state since the process may have read them.
  Result<TableState> open(bool fresh = false);
  /// Makes the state of `version` the newest again.
  Result<TableState> restore(std::uint64_t version);
  /// Closes the process's handle; `drop` also removes the files. Without a name: of every table of the database.
  Status forget(bool drop);
  /// Adds rows whose keys are not there, without looking.
  Status append(const std::vector<StoredRow>& rows);
  /// Deletes, then inserts or replaces, then proves it. Several versions; whoever reads meanwhile sees any of them.
  Result<TableState> flush(const std::vector<const StoredRow*>& puts, const std::vector<contract::VectorKey>& deletes);
  /// Nearest first.
  Result<std::vector<TableMatch>> search(const TableQuery& query);
  /// The nearest `count` of these rows, by their vectors. A row that was moved or deleted is left out.
  Result<std::vector<TableMatch>> compare(const TableQuery& query, const std::vector<std::uint64_t>& rows);
  /// Makes the index that `search_text` needs, unless it is there.
  Result<TableState> ensure_text_index();
  /// Best first; `distance` holds the score of BM25, larger is better.
  Result<std::vector<contract::VectorMatch>> search_text(std::string_view text, std::size_t count, Deadline deadline);
  /// How many rows have none of these keys.
  Result<std::uint64_t> count_without(const std::vector<contract::VectorKey>& keys);
  /// Begins a scan of what is there now and returns its number for `read_pages`.
  Result<std::uint64_t> begin_scan();
  Status read_pages(std::uint64_t reader, const Visitor& visitor);
  void end_scan(std::uint64_t reader);
  Result<TableState> compact();
  /// Removes all versions but the newest `keep`. Returns how many are left.
  Result<std::uint64_t> prune(std::uint32_t keep);
  Status build_index(IndexKind kind, std::string_view metric);
  /// The least effort by which searches for some rows of the table find as good as what they find in `most.probes`
  /// partitions comparing `most.refine` times as many. `least`: of refining.
  Result<Trial> try_index(std::string_view metric, const Trial& most, std::uint32_t least);
  Result<TableStatistics> statistics();
  /// Reads every key.
  Result<TableDigest> digest();
  Result<std::vector<TableVersion>> versions();

 private:
  Result<Answer> ask(std::string_view operation, Record fields, const std::vector<std::string>& parts,
                     Deadline deadline);

  std::shared_ptr<Worker> worker_;
  TableAddress address_;
};

}  // namespace triune::adapters::lancedb
