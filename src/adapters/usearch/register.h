// Entry of the usearch engine.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// Adds the vector engine "usearch".
void register_usearch(contract::Registry& registry);

}  // namespace triune::adapters
