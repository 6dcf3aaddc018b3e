// What the nodes of a shared database write, and what their projections say.
#pragma once

#include <cstdint>
#include <random>
#include <string>

#include "fault/workload.h"

namespace triune::testing {

/// Commits over a few nodes that everybody puts, connects and deletes at once. Some must be refused: an end is gone.
class Contention {
 public:
  explicit Contention(std::uint64_t seed) : random_(seed) {}
  Commit next();

 private:
  NodeReference node();
  std::mt19937_64 random_;
};

/// A digest of all that the graph engine holds, and one of what vector searches find, at the head of the log.
Result<std::string> graph_digest(Hive& hive);
Result<std::string> vector_digest(Hive& hive);

}  // namespace triune::testing
