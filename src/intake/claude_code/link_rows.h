// What only shows when all files are read: parents in other files, agents and the calls that started them, titles.
#pragma once

#include "intake/claude_code/import_run.h"

namespace triune::intake::claude {

/// Completes the rows that wait for others. Does nothing, and commits nothing, when none can be completed.
Status link_rows(ImportRun& run);

}  // namespace triune::intake::claude
