// Entry of the SQLite engine.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// Adds the relational engine "sqlite".
void register_sqlite(contract::Registry& registry);

}  // namespace triune::adapters
