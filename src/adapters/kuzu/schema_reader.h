// The schema in a database, from Kuzu's catalogue.
#pragma once

#include "adapters/kuzu/engine.h"
#include "contract/graph_rules.h"
#include "triune/status.h"

namespace triune::adapters::kuzu {

/// Reads labels, types and properties, in a transaction of its own. Internal tables are left out, and so are columns of
/// types that Triune does not make: a table made by hand can be queried, not written.
Result<contract::KnownSchema> load_schema(Session& session);

}  // namespace triune::adapters::kuzu
