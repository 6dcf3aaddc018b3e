// The vector engines under test, and what each may do differently.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "contract/vector_store.h"

namespace triune::conformance {

struct VectorEngine {
  std::string name;
  std::string factory;             ///< Its name in the registry.
  float distance_tolerance = 0;    ///< Relative to the distance's terms; engines that quantise need some.
  std::uint64_t index_from = 0;    ///< As in EngineOptions.
  std::uint64_t memory_bytes = 0;  ///< As in EngineOptions.
  std::size_t indexed_from = 0;    ///< Vectors from which on there surely is an index.
};

/// Every engine, and those with an index a second time with bounds so small that a few hundred vectors have one.
/// Engines that are not installed are left out, unless TRIUNE_TEST_WITH names them.
const std::vector<VectorEngine>& vector_engines();

Result<std::unique_ptr<contract::VectorStore>> open_engine(const VectorEngine& engine,
                                                           const std::filesystem::path& directory);

inline std::ostream& operator<<(std::ostream& stream, const VectorEngine& engine) {
  return stream << engine.name;
}

}  // namespace triune::conformance
