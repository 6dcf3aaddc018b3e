// Everyday operations on a single engine, for those who use an adapter without a hive. Each is one batch or one call of
// the contract, so every engine has them.
#pragma once

#include <string>
#include <vector>

#include "contract/graph_store.h"
#include "contract/vector_store.h"

namespace triune::contract {

/// Creates or replaces one node, adding its label and properties to the schema when they are new.
Status create_node(GraphStore& store, const PutNode& node, Deadline deadline);

/// Creates or replaces one edge between existing nodes, adding its type to the schema when it is new.
Status create_relationship(GraphStore& store, const PutEdge& edge, Deadline deadline);

/// Stores one vector with its metadata in an open collection.
Status store_embedding(VectorStore& store, std::string_view collection, VectorEntry entry);

/// Whether the engine answers.
Health health(GraphStore& store);
Health health(VectorStore& store, std::string_view collection);

/// The property type that a value needs in a graph; NULL needs none and Bytes have none: `invalid_argument`.
Result<PropertyType> property_type(const Value& value);

}  // namespace triune::contract
