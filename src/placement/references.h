// Columns that refer to rows of other tables: those not declared, those without an index, those that lead nowhere.
#pragma once

#include <vector>

#include "placement/source.h"

namespace triune::placement {

/// Adds foreign keys that nobody declared to `tables[position]`: columns named after a table, or after a parent, whose
/// values (95 % of a sample) are keys there.
Status infer_foreign_keys(Source& source, std::vector<TableReport>& tables, std::size_t position);

/// Counts the rows of each foreign key whose parent is not there.
Status find_orphans(Source& source, std::vector<TableReport>& tables, std::size_t position);

/// Measures on a copy what each missing index would do.
Status measure_index_gains(Source& source, TableReport& table);

}  // namespace triune::placement
