// Comparing a table of SQLite with the one on a server, where rows have no common order: by the hashes of their rows,
// and where these differ, by ranges of hashes down to the rows.
#pragma once

#include <optional>

#include "intake/legacy_sqlite/digest.h"
#include "intake/legacy_sqlite/server_columns.h"

namespace triune::intake::legacy {

/// Of the rows of the source up to a key.
Result<TableDigest> source_digest(const RowReader& reader, const RowLayout& layout, const std::optional<RowKey>& until);
/// Of all rows on the server.
Result<TableDigest> server_digest(const RowReader& reader, const ServerColumns& columns);

/// As `compare_table`: reads each side once when they are the same, three times when not. `layout` is the source's for
/// a server; `key` names the columns by which rows are called, which may be none.
Result<TableComparison> compare_with_server(const RowReader& before, const RowLayout& layout, const RowReader& after,
                                            const ServerColumns& columns, std::span<const std::string> key);

}  // namespace triune::intake::legacy
