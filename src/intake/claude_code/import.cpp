#include "intake/claude_code/import.h"

#include <algorithm>

#include "base/try.h"
#include "intake/claude_code/discover.h"
#include "intake/claude_code/documents.h"
#include "intake/claude_code/import_run.h"
#include "intake/claude_code/link_rows.h"
#include "intake/claude_code/module_backfill.h"
#include "intake/claude_code/module_rows.h"
#include "intake/claude_code/session_log.h"
#include "intake/claude_code/tables.h"

namespace triune::intake {
namespace {

constexpr std::uint64_t longest_line_bytes = 64ULL << 20U;

Status import_input(claude::ImportRun& run, const claude::Input& input) {
  using claude::InputKind;
  switch (input.kind) {
    case InputKind::session_log: return claude::import_session_log(run, input);
    case InputKind::history: return claude::import_history(run, input);
    case InputKind::tool_result:
    case InputKind::agent_notes: return claude::import_document(run, input);
    case InputKind::document:
      if (input.document_kind == "completions") TRIUNE_TRY(claude::import_completions(run, input));
      return claude::import_document(run, input);
  }
  return {};
}

Result<std::unique_ptr<ModuleWriter>> open_modules(Hive& hive) {
  return ModuleWriter::open(hive,
                            {.name = std::string(claude::event_source),
                             .source_type = "import",
                             .description = "records of Claude Code's session logs"},
                            {.id = "import claude", .type = ActorType::migration, .reason = {}, .request_id = {}});
}

}  // namespace

Result<ClaudeImportReport> import_claude(Hive& hive, const std::filesystem::path& path,
                                         const ClaudeImportOptions& options, const Progress& progress) {
  if (options.batch_lines == 0 || options.max_line_bytes == 0 || options.max_line_bytes > longest_line_bytes)
    return failure(ErrorCode::invalid_argument, "a batch has at least one line, and a line 1 byte to 64 MiB");
  TRIUNE_ASSIGN(const claude::Discovery found, claude::discover(path));
  TRIUNE_TRY(claude::prepare_tables(hive));
  TRIUNE_ASSIGN(const auto modules, open_modules(hive));
  claude::ImportRun run(hive, *modules, options, progress, found.bytes);
  TRIUNE_TRY(claude::fill_modules(run));
  run.report().files = found.inputs.size();
  run.report().skipped_files = found.skipped.size();
  run.report().skipped = found.skipped;
  for (const auto& input : found.inputs) {
    auto imported = import_input(run, input);
    if (imported.has_value()) continue;
    if (!claude::is_file_error(imported.error())) return failure_of(imported);
    run.note_skipped(input.path, imported.error().message);
  }
  TRIUNE_TRY(claude::link_rows(run));
  if (run.report().receipt.incarnation.empty()) {
    TRIUNE_ASSIGN(run.report().receipt, hive.receipt());
  }
  run.report().mapped = modules->counts().mapped;
  run.report().not_mapped = modules->counts().not_taken;
  return run.report();
}

}  // namespace triune::intake
