// Which engine should search a collection's vectors: by their size, the memory there is for them, and how often they
// change. The engine is moved by nobody but whoever gives the command (docs/vector_engines.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "triune/schema.h"

namespace triune::placement {

/// What is known besides the definition.
struct VectorEngineFigures {
  std::uint64_t memory_allowed = 1ULL << 30U;  ///< Bytes, for one collection.
  std::uint64_t changed = 0;                   ///< Overwritten or deleted, as far as the change log goes back.
  bool lancedb_installed = false;              ///< On the node that decides.
};

struct VectorEngineChoice {
  std::string engine;
  std::vector<std::string> reasons;
};

/// What usearch takes of memory for so many vectors, in bytes: their values, or codes of them, and the graph over them.
std::uint64_t usearch_bytes(std::uint64_t vectors, std::uint32_t dimension);

/// The engine that fits, with reasons and the command that goes there. A collection that is on one stays on it unless
/// the other one is clearly better. Pure.
VectorEngineChoice choose_vector_engine(const VectorCollection& collection, std::uint64_t vectors,
                                        const VectorEngineFigures& figures);

}  // namespace triune::placement
