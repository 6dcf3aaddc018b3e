// How adapters/builtin.cpp makes this engine known.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// Adds the graph engine "kuzu".
void register_kuzu(contract::Registry& registry);

}  // namespace triune::adapters
