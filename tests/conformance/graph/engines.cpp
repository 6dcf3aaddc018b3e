#include "conformance/graph/engines.h"

#include "adapters/builtin.h"

namespace triune::conformance {

const std::vector<GraphEngine>& graph_engines() {
  static const std::vector<GraphEngine> engines{{.name = "memory", .distinguishes_case = true},
                                                {.name = "kuzu", .distinguishes_case = false}};
  return engines;
}

Result<std::unique_ptr<contract::GraphStore>> open_engine(const GraphEngine& engine,
                                                          const std::filesystem::path& directory) {
  contract::EngineOptions options;
  options.path = directory;
  return adapters::builtin().graph.at(engine.name)(options);
}

}  // namespace triune::conformance
