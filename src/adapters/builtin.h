// The only header of this room that others see.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// The engines built into this binary: relational "sqlite" and "postgres"; graph "kuzu" and
/// "memory"; vector "usearch", "lancedb" (where it is
/// installed) and "memory"; embedders "hashing", "onnx" and "openai".
const contract::Registry& builtin();

}  // namespace triune::adapters
