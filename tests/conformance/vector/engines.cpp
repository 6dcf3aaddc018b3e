#include "conformance/vector/engines.h"

#include "adapters/builtin.h"

namespace triune::conformance {

const std::vector<VectorEngine>& vector_engines() {
  static const std::vector<VectorEngine> engines{
      {.name = "memory", .factory = "memory", .distance_tolerance = 1e-6F, .index_from = 0},
      {.name = "usearch", .factory = "usearch", .distance_tolerance = 1e-3F, .index_from = 0},
      {.name = "usearch_early_index", .factory = "usearch", .distance_tolerance = 1e-3F, .index_from = 100}};
  return engines;
}

Result<std::unique_ptr<contract::VectorStore>> open_engine(const VectorEngine& engine,
                                                           const std::filesystem::path& directory) {
  contract::EngineOptions options;
  options.path = directory;
  options.index_from = engine.index_from;
  return adapters::builtin().vector.at(engine.factory)(options);
}

}  // namespace triune::conformance
