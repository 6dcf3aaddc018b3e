// Metadata as LanceDB can filter them: a list of texts in each row with one scalar index over all of them, whatever the
// names and types. Equality is exact in type and value, as the contract says.
#pragma once

#include <string>
#include <vector>

#include "triune/value.h"

namespace triune::adapters::lancedb {

/// What a row with these metadata can be found by: of each value that is not NULL its name, and its name and value.
std::vector<std::string> labels_of(const Record& metadata);

/// SQL that holds for the rows whose labels satisfy `wanted`: a NULL wanted is met by absence. Empty for no wish.
std::string condition_of(const Record& wanted);

/// The texts among the values, for full-text search.
std::string searchable_text(const Record& metadata);

}  // namespace triune::adapters::lancedb
