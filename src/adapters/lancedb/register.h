// Entry of the lancedb engine.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// Adds the vector engine "lancedb". Opening it fails with `unsupported` where it was not installed.
void register_lancedb(contract::Registry& registry);

}  // namespace triune::adapters
