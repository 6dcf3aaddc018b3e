// Cells of a column from all over its table.
#pragma once

#include <vector>

#include "placement/source.h"

namespace triune::placement {

/// At most `count` cells that are not NULL, evenly spread over an integer key, otherwise the first ones. Cells of more
/// than 128 KiB are left out.
Result<std::vector<Value>> sample_cells(Source& source, const TableReport& table, const ColumnReport& column,
                                        std::size_t count);

/// How many of `values` occur in a column of a table, from 0 to 1. `most` of them are looked up.
Result<double> share_contained(Source& source, std::span<const Value> values, const TableReport& table,
                               std::string_view column, std::size_t most = 100);

/// The one column that names a row of `table`, so that looking one up is fast; empty when there is none.
std::string key_column(const TableReport& table);

}  // namespace triune::placement
