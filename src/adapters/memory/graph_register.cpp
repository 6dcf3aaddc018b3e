#include "adapters/memory/graph_memory_store.h"
#include "adapters/memory/register.h"

namespace triune::adapters {

void register_memory_graph(contract::Registry& registry) {
  registry.graph.emplace("memory", [](const contract::EngineOptions&) -> Result<std::unique_ptr<contract::GraphStore>> {
    return std::make_unique<memory::MemoryGraphStore>();
  });
}

}  // namespace triune::adapters
