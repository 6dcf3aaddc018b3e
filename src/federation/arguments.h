// Arguments of the functions: from values of a statement to what engines are asked.
#pragma once

#include <span>
#include <string_view>

#include "federation/engines.h"
#include "triune/query.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::federation {

/// The parameters of a Cypher query, as a JSON object; NULL: none.
Result<Record> cypher_parameters(const Value& value);

/// (collection, query, k [, where]). The query is a float32 blob, a JSON array, or the id of a stored vector.
Result<VectorCall> vector_call(std::span<const Value> arguments);

/// (collection, query, k [, where]). An empty collection: all text indexes.
Result<TextSearch> text_call(std::span<const Value> arguments);

struct HybridCall {
  VectorCall vector;
  TextSearch text;  ///< Its collection is yet to be found; its predicate is that of the vectors.
};
/// (collection, text, vector, k [, where])
Result<HybridCall> hybrid_call(std::span<const Value> arguments);

/// (node [, type [, direction [, depth]]]), the node as "Label/id".
Result<NeighborsQuery> neighbors_call(std::span<const Value> arguments);

/// (from, to [, type [, max]]): along the direction of the edges.
Result<PathQuery> path_call(std::span<const Value> arguments);

}  // namespace triune::federation
