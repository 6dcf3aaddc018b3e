// What the crash tests load in bulk: the same whenever it is asked for.
#pragma once

#include <cstdint>

#include "triune/hive.h"

namespace triune::testing {

/// Loads `count` nodes, twice as many edges and half as many vectors.
Status load_everything(Hive& hive, std::uint64_t count);

/// One text over everything that a hive holds of nodes, edges and vectors: equal for equal contents.
Result<std::string> content_digest(Hive& hive);

}  // namespace triune::testing
