// The graph engines under test.
#pragma once

#include <filesystem>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "contract/graph_store.h"

namespace triune::conformance {

struct GraphEngine {
  std::string name;  ///< Its name in the registry.
  /// Whether it keeps names that differ only in the case of their letters apart, and a label from a type of the same
  /// name.
  bool distinguishes_case = false;
};

const std::vector<GraphEngine>& graph_engines();

Result<std::unique_ptr<contract::GraphStore>> open_engine(const GraphEngine& engine,
                                                          const std::filesystem::path& directory);

inline std::ostream& operator<<(std::ostream& stream, const GraphEngine& engine) {
  return stream << engine.name;
}

}  // namespace triune::conformance
