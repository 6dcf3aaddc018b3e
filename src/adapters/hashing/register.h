// Entry of the hashing embedder.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// Adds the embedder "hashing".
void register_hashing(contract::Registry& registry);

}  // namespace triune::adapters
