#include "adapters/hashing/register.h"

#include "adapters/hashing/hashing_embedder.h"

namespace triune::adapters {

void register_hashing(contract::Registry& registry) {
  registry.embedder.emplace("hashing", [](std::string_view model) -> Result<std::shared_ptr<Embedder>> {
    if (!model.empty())
      return failure(ErrorCode::invalid_argument, "the embedder \"hashing\" has no models; name it alone");
    return std::shared_ptr<Embedder>(std::make_shared<hashing::HashingEmbedder>());
  });
}

}  // namespace triune::adapters
