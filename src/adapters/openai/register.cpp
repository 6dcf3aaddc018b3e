#include "adapters/openai/register.h"

#include <cstdlib>

#include "adapters/openai/endpoint_embedder.h"
#include "base/try.h"

namespace triune::adapters {

void register_openai(contract::Registry& registry) {
  registry.embedder.emplace("openai", [](std::string_view name) -> Result<std::shared_ptr<Embedder>> {
    const auto environment = [](const std::string& variable) -> std::optional<std::string> {
      const char* const value = std::getenv(variable.c_str());
      return value == nullptr || *value == '\0' ? std::nullopt : std::optional<std::string>(value);
    };
    TRIUNE_ASSIGN(auto endpoint, openai::read_endpoint(name, environment));
    return std::shared_ptr<Embedder>(std::make_shared<openai::EndpointEmbedder>(std::move(endpoint)));
  });
}

}  // namespace triune::adapters
