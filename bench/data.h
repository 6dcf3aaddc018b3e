// Generated data, the same at every run.
#pragma once

#include <cstdint>
#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "raw_usearch.h"
#include "triune/hive.h"

namespace triune::bench {

/// A directed graph in which each node has `degree` distinct random successors, never itself.
struct RandomGraph {
  std::uint32_t nodes = 0;
  std::uint32_t degree = 0;

  [[nodiscard]] std::uint64_t edges() const { return std::uint64_t{nodes} * degree; }
  [[nodiscard]] std::vector<std::uint32_t> successors(std::uint32_t node) const;
  [[nodiscard]] static std::string id(std::uint32_t node);
  [[nodiscard]] static std::string name(std::uint32_t node);
};

/// Supplies the nodes (label `Person`, property `name`) and the edges (type `KNOWS`) of a graph to a bulk load.
Supplier<PutNode> nodes_of(RandomGraph graph);
Supplier<PutEdge> edges_of(RandomGraph graph);

/// Writes `nodes.csv` (id, name) and `edges.csv` (from, to), without headers.
void write_csv(const RandomGraph& graph, const std::filesystem::path& folder);

/// Calls `visit` with the cells of each line of such a file; the cells hold no quotes or commas.
Supplier<PutNode> nodes_from_csv(const std::filesystem::path& file);
Supplier<PutEdge> edges_from_csv(const std::filesystem::path& file);

/// Vectors around a thousand centres, one after the other: memory does not grow with their number. Embeddings of texts
/// lie in clusters too; uniformly random vectors would be all equally far apart, which no index can help.
class ClusteredVectors {
 public:
  ClusteredVectors(std::size_t dimension, std::uint64_t seed);
  void next(std::vector<float>& vector);

 private:
  std::mt19937_64 random_;
  std::normal_distribution<float> normal_;
  std::vector<std::vector<float>> centres_;
};

/// `count` of them after `skip`: those beyond the stored ones are queries from the same distribution.
VectorTable clustered_table(std::size_t count, std::size_t dimension, std::size_t skip = 0);

inline constexpr std::size_t vector_dimension = 384;

}  // namespace triune::bench
