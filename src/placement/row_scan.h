// One pass over a table: rows, and what each cell really is.
#pragma once

#include "placement/source.h"

namespace triune::placement {

/// Fills in counts, sizes, violations and large JSON of `table`. Damage ends the pass over this table and is noted.
Status scan_rows(Source& source, TableReport& table);

}  // namespace triune::placement
