// Files that are taken whole: the documents of a `.claude/` tree, results of tools, notes about agents.
//
// A document whose bytes are the same as at the last import is left alone. Settings are also rows, one for each value;
// agents' definitions and records are agents too. Values that look like secrets are replaced, and the text of their
// file is not kept.
#pragma once

#include "intake/claude_code/discover.h"
#include "intake/claude_code/import_run.h"

namespace triune::intake::claude {

/// Imports one file. Errors: the hive's, and `is_file_error`.
Status import_document(ImportRun& run, const Input& input);

/// `agent_completions.jsonl`: one line for each piece of work that an agent reported done.
Status import_completions(ImportRun& run, const Input& input);

}  // namespace triune::intake::claude
