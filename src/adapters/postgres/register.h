// Entry of the PostgreSQL engine.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// Adds the relational engine "postgres".
void register_postgres(contract::Registry& registry);

}  // namespace triune::adapters
