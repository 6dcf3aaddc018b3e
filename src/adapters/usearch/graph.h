// The proximity graph of usearch over packed vectors that stand elsewhere.
//
// usearch keeps links only: its nodes name rows, and distances are measured on the rows' vectors in place. So vectors
// are held once, the graph can be replaced without moving them, and exact scans run over plain memory. Nothing is ever
// removed or overwritten in the graph (that leaves nodes without a way to them: USearch#674): who must go is filtered
// out of searches until a new graph is built without it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "adapters/usearch/comparer.h"
#include "adapters/usearch/key_map.h"
#include "triune/status.h"

namespace triune::adapters::usearch {

/// How thoroughly the graph is built and searched.
struct GraphTuning {
  std::size_t connectivity = 16;       ///< Links of a node on the upper levels; twice as many on the lowest.
  std::size_t expansion_add = 128;     ///< Candidates kept while a place is sought.
  std::size_t expansion_search = 128;  ///< Candidates kept while searching.
};

/// Thread rule: `search` from many threads with different contexts, or `add` from many threads with different contexts,
/// never both at once; everything else alone.
class Graph {
 public:
  struct Found {
    Row row = 0;
    float score = 0;  ///< As Scorer::score
  };
  struct Answer {
    std::vector<Found> found;   ///< Nearest first.
    std::size_t distances = 0;  ///< How many were computed.
  };
  /// Whether a row may be in the answer. Must not block or throw.
  using Allow = std::function<bool(Row)>;
  using Sink = std::function<bool(const void*, std::size_t)>;
  using Source = std::function<bool(void*, std::size_t)>;
  using VectorOf = std::function<const std::byte*(Row)>;

  /// `contexts` is how many threads may be in the graph at once; `comparer` must live as long as the graph. Error:
  /// `resource_exhausted`.
  static Result<std::unique_ptr<Graph>> make(const Comparer& comparer, const GraphTuning& tuning, std::size_t capacity,
                                             std::size_t contexts);
  ~Graph();
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// Makes room for so many nodes in all.
  Status reserve(std::size_t capacity);
  /// Adds a row whose vector stays at `vector` as long as the graph lives. Needs room.
  Status add(Row row, const std::byte* vector, std::size_t context = 0);
  /// The nearest rows that `allow` admits (empty: all), at most `count`; fewer when the graph does not lead to more.
  /// `expansion` candidates are kept meanwhile; 0: as the tuning says.
  Result<Answer> search(const std::byte* query, std::size_t count, std::size_t context, const Allow& allow,
                        std::size_t expansion = 0) const;

  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::size_t memory_bytes() const;
  /// What one node of such a graph takes, as far as it is known before.
  static std::size_t node_bytes(const GraphTuning& tuning);
  /// Rows of all nodes.
  [[nodiscard]] std::span<const Row> rows() const;
  /// Where searches begin, and on which levels a node is. Nodes are numbered as `rows` lists them.
  [[nodiscard]] Row entry() const;
  [[nodiscard]] std::size_t level_of(Row node) const;
  /// The nodes that a node links to on one of its levels, the lowest being 0.
  void visit_links(Row node, std::size_t level, const std::function<void(Row node)>& visit) const;
  /// Rows that no path from the entry leads to, or no link on the lowest level, where the nearest are found. Reads
  /// links only, so it may run beside searches and `retarget`.
  [[nodiscard]] std::vector<Row> unreached() const;
  /// Whether even a thorough search for `vector` misses `row`, which holds it. Meaningless for the metric dot, where a
  /// vector is not the nearest to itself.
  Result<bool> misses(Row row, const std::byte* vector, std::size_t context) const;

  /// The rows' vectors stand elsewhere now, or are packed in another way.
  void retarget(const Comparer& comparer, const VectorOf& vector_of);

  Status save(const Sink& sink) const;
  /// Fills an empty graph with what `save` wrote; the bytes must have been verified. Each row in it must be below
  /// `rows`.
  Status load(const Source& source, Row rows, const VectorOf& vector_of);

 private:
  struct Implementation;
  explicit Graph(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace triune::adapters::usearch
