// Entry of the embedders on this machine.
#pragma once

#include "contract/registry.h"

namespace triune::adapters {

/// Adds the embedder "onnx".
void register_onnx(contract::Registry& registry);

}  // namespace triune::adapters
