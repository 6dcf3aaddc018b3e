// The first load: CSV files in a temporary folder, COPY for each table, the position last.
#pragma once

#include <filesystem>

#include "adapters/kuzu/engine.h"
#include "adapters/kuzu/sessions.h"
#include "contract/graph_rules.h"
#include "contract/position.h"

namespace triune::adapters::kuzu {

/// Copies everything that `source` supplies for `schema` into the empty tables. `folder` is made and removed. Kuzu ends
/// each COPY with a checkpoint, so nobody reads meanwhile. Errors: `invalid_argument` (a bad value, a missing end, an
/// edge or a node supplied twice), `resource_exhausted`.
Status copy_everything(Session& session, Sessions& sessions, const contract::KnownSchema& known,
                       const std::filesystem::path& folder, const contract::GraphSchema& schema,
                       contract::GraphSource& source);

}  // namespace triune::adapters::kuzu
