// Entries of the engines that keep everything in memory.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// Adds the graph engine "memory".
void register_memory_graph(contract::Registry& registry);

/// Adds the vector engine "memory".
void register_memory_vector(contract::Registry& registry);

}  // namespace triune::adapters
