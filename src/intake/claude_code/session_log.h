// Files of lines: session logs and the history of prompts.
#pragma once

#include "intake/claude_code/discover.h"
#include "intake/claude_code/import_run.h"

namespace triune::intake::claude {

/// Imports what is new in a log. Errors: the hive's, and `is_file_error` when the file cannot be read (on).
Status import_session_log(ImportRun& run, const Input& input);

/// The same for `history.jsonl`.
Status import_history(ImportRun& run, const Input& input);

}  // namespace triune::intake::claude
