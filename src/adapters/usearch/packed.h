// Vectors of one batch, packed before the gate is closed. Part of collection.h's implementation.
#pragma once

#include <vector>

#include "adapters/usearch/collection.h"

namespace triune::adapters::usearch {

struct Collection::Packed {
  explicit Packed(const Scorer& scorer_used) : scorer(&scorer_used) {}
  const Scorer* scorer;
  std::vector<std::byte> bytes;
  std::vector<float> lengths;
};

}  // namespace triune::adapters::usearch
