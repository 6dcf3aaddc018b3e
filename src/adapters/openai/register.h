// Entry of the embedders behind HTTP.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// Adds the embedder "openai".
void register_openai(contract::Registry& registry);

}  // namespace triune::adapters
