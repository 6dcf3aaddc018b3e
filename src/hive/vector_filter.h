// A user's predicate over the vectors of a collection, as a set of keys.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "contract/relational_store.h"
#include "contract/vector_store.h"
#include "triune/query.h"
#include "triune/schema.h"

namespace triune::hive {

/// Evaluates `search.where` and returns the keys that satisfy it, ascending. Names in the predicate are `id`,
/// `metadata`, the columns of the owner table, and any key of the metadata. Errors: `invalid_argument` for SQL that
/// does not parse and for a name that is none of these in any vector of the collection. `session` must have the scope
/// of a user.
Result<std::vector<contract::VectorKey>> filter_keys(contract::RelationalSession& session, std::int64_t organization_id,
                                                     std::int64_t collection_id, const VectorCollection& definition,
                                                     const VectorSearch& search);

}  // namespace triune::hive
