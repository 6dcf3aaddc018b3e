// Vector collections that go: the older generation after its vectors were made anew, the newer one when that was given
// up.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "contract/relational_store.h"

namespace triune::hive {

/// What a replaced collection is called until it goes.
std::string replaced_name(std::string_view collection, std::int64_t collection_id);

/// Deletes all vectors of a collection, some thousand in each transaction. Resumable.
Status drop_vectors(contract::RelationalStore& store, std::int64_t organization_id, std::int64_t collection_id);

/// Takes an empty collection out of the dictionary. Its number is given to no other.
Status forget_collection(contract::RelationalSession& session, std::int64_t collection_id);

/// Drops generations that were replaced a minute ago or longer; returns whether the dictionary changed. Several nodes
/// may do it at once.
Result<bool> drop_replaced(contract::RelationalStore& store, std::int64_t organization_id);

}  // namespace triune::hive
