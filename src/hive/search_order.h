// A search of a module that knows what its predicate leaves.
#pragma once

#include "triune/hive.h"
#include "triune/query.h"

namespace triune::hive {

/// As Hive::search, but all that satisfies the predicate is found first: it leaves few, and indexes of the module's own
/// tables tell which. Left to itself a search asks the engine first where more than about one in forty is left.
Result<VectorSearchResult> search_predicate_first(Hive& hive, const VectorSearch& search, const ReadOptions& options);

}  // namespace triune::hive
