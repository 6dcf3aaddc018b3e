#include "data.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace triune::bench {
namespace {

constexpr std::size_t cluster_count = 1000;
constexpr float cluster_width = 0.4F;
constexpr std::uint64_t vector_seed = 384;

struct Lines {
  explicit Lines(const std::filesystem::path& path) : buffer(1U << 20U) {
    file.rdbuf()->pubsetbuf(buffer.data(), static_cast<std::streamsize>(buffer.size()));
    file.open(path);
    if (!file) throw std::runtime_error("cannot read " + path.string());
  }
  /// The two cells of the next line; false at the end.
  bool next(std::string& first, std::string& second) {
    if (!std::getline(file, line)) return false;
    const auto comma = line.find(',');
    first.assign(line, 0, comma);
    second.assign(line, comma + 1);
    return true;
  }

  std::vector<char> buffer;
  std::ifstream file;
  std::string line;
};

}  // namespace

std::vector<std::uint32_t> RandomGraph::successors(std::uint32_t node) const {
  std::mt19937_64 random(node * 0x9E3779B97F4A7C15ULL + 1);
  std::vector<std::uint32_t> found;
  while (found.size() < degree) {
    const auto to = static_cast<std::uint32_t>(random() % nodes);
    if (to != node && std::find(found.begin(), found.end(), to) == found.end()) found.push_back(to);
  }
  return found;
}

std::string RandomGraph::id(std::uint32_t node) {
  return fmt::format("p{}", node);
}
std::string RandomGraph::name(std::uint32_t node) {
  return fmt::format("Person number {}", node);
}

Supplier<PutNode> nodes_of(RandomGraph graph) {
  return [graph, node = std::uint32_t{0}](PutNode& put) mutable -> Result<bool> {
    if (node == graph.nodes) return false;
    put.node.id = RandomGraph::id(node);
    put.properties = {{"name", RandomGraph::name(node)}};
    ++node;
    return true;
  };
}

Supplier<PutEdge> edges_of(RandomGraph graph) {
  struct State {
    std::uint32_t node = 0;
    std::size_t at = 0;
    std::vector<std::uint32_t> successors;
  };
  return [graph, state = State{0, 0, graph.successors(0)}](PutEdge& put) mutable -> Result<bool> {
    if (state.at == state.successors.size()) {
      if (++state.node == graph.nodes) return false;
      state.successors = graph.successors(state.node);
      state.at = 0;
    }
    put.edge.from.id = RandomGraph::id(state.node);
    put.edge.to.id = RandomGraph::id(state.successors[state.at++]);
    return true;
  };
}

void write_csv(const RandomGraph& graph, const std::filesystem::path& folder) {
  std::ofstream nodes(folder / "nodes.csv");
  std::ofstream edges(folder / "edges.csv");
  for (std::uint32_t node = 0; node < graph.nodes; ++node) {
    nodes << RandomGraph::id(node) << ',' << RandomGraph::name(node) << '\n';
    for (const auto to : graph.successors(node)) edges << RandomGraph::id(node) << ',' << RandomGraph::id(to) << '\n';
  }
  if (!nodes.flush() || !edges.flush()) throw std::runtime_error("cannot write " + folder.string());
}

Supplier<PutNode> nodes_from_csv(const std::filesystem::path& file) {
  return [lines = std::make_shared<Lines>(file)](PutNode& put) -> Result<bool> {
    std::string name;
    if (!lines->next(put.node.id, name)) return false;
    put.properties = {{"name", std::move(name)}};
    return true;
  };
}

Supplier<PutEdge> edges_from_csv(const std::filesystem::path& file) {
  return [lines = std::make_shared<Lines>(file)](PutEdge& put) -> Result<bool> {
    return lines->next(put.edge.from.id, put.edge.to.id);
  };
}

ClusteredVectors::ClusteredVectors(std::size_t dimension, std::uint64_t seed)
    : random_(seed), centres_(cluster_count, std::vector<float>(dimension)) {
  for (auto& centre : centres_)
    for (float& value : centre) value = normal_(random_);
}

void ClusteredVectors::next(std::vector<float>& vector) {
  const auto& centre = centres_[random_() % centres_.size()];
  vector.resize(centre.size());
  for (std::size_t i = 0; i < centre.size(); ++i) vector[i] = centre[i] + cluster_width * normal_(random_);
}

VectorTable clustered_table(std::size_t count, std::size_t dimension, std::size_t skip) {
  ClusteredVectors vectors(dimension, vector_seed);
  VectorTable table{dimension, {}};
  table.values.reserve(count * dimension);
  std::vector<float> vector;
  for (std::size_t i = 0; i < skip + count; ++i) {
    vectors.next(vector);
    if (i >= skip) table.values.insert(table.values.end(), vector.begin(), vector.end());
  }
  return table;
}

}  // namespace triune::bench
