// Hives that an earlier version imported into, whose modules are empty: their rows are moved over, once.
#pragma once

#include "intake/claude_code/import_run.h"

namespace triune::intake::claude {

/// Gives the modules what the tables hold, in pages; a killed run is gone on with. Nothing is read when it was done
/// before.
Status fill_modules(ImportRun& run);

}  // namespace triune::intake::claude
