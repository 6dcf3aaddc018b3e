#include "adapters/memory/register.h"
#include "adapters/memory/vector_memory_store.h"

namespace triune::adapters {

void register_memory_vector(contract::Registry& registry) {
  registry.vector.emplace("memory",
                          [](const contract::EngineOptions&) -> Result<std::unique_ptr<contract::VectorStore>> {
                            return std::make_unique<memory::MemoryVectorStore>();
                          });
}

}  // namespace triune::adapters
