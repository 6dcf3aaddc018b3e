// What a decision about a collection rests on, measured in the canonical store in bounded time: numbers by counting,
// and networks by their first edges.
#pragma once

#include <string>

#include "contract/relational_store.h"
#include "placement/decide.h"
#include "triune/schema.h"

namespace triune::hive {

/// Rows of a user's table. `not_found` and other errors of the statement.
Result<placement::CollectionFigures> table_figures(contract::RelationalSession& session, const std::string& table);

/// The network that the rows of a table are, before it is mapped.
Result<placement::CollectionFigures> mapping_figures(contract::RelationalSession& session, const EdgeMapping& mapping);

/// The same of nodes, edges and vectors that are there already, by the number of the collection.
Result<placement::CollectionFigures> node_figures(contract::RelationalSession& session, std::int64_t organization_id,
                                                  std::int64_t label_id);
Result<placement::CollectionFigures> edge_figures(contract::RelationalSession& session, std::int64_t organization_id,
                                                  std::int64_t type_id);
Result<placement::CollectionFigures> vector_figures(contract::RelationalSession& session, std::int64_t organization_id,
                                                    std::int64_t collection_id);

}  // namespace triune::hive
