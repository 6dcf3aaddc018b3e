// The only header of this room that others see.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// The engines built into this binary: relational "sqlite" and "postgres"; graph "kuzu" and
/// "memory"; vector "usearch" and "memory"; embedder "hashing".
const contract::Registry& builtin();

}  // namespace triune::adapters
