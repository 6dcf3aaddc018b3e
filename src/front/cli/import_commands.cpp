// import claude: what Claude Code leaves behind.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/interrupt.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "intake/claude_code/import.h"
#include "runtime/progress_bar.h"

namespace triune::front {
namespace {

using Report = intake::ClaudeImportReport;

struct ImportArguments {
  std::string path;
  Waiting waiting;
};

struct Count {
  std::string_view name;
  std::uint64_t Report::* count;
};

constexpr std::array<Count, 7> kinds{{{"sessions", &Report::sessions},
                                      {"messages", &Report::messages},
                                      {"tool_calls", &Report::tool_calls},
                                      {"agents", &Report::agents},
                                      {"events", &Report::events},
                                      {"documents", &Report::documents},
                                      {"settings", &Report::settings}}};

void write_counts(JsonWriter& to, const std::map<std::string, std::uint64_t>& counts) {
  to.begin_object();
  for (const auto& [name, count] : counts) to.member(name, count);
  to.end_object();
}

std::string import_document(const Report& report) {
  JsonWriter to;
  to.begin_object()
      .member("files", report.files)
      .member("files_unchanged", report.files_unchanged)
      .member("bytes_read", report.bytes_read)
      .member("lines", report.lines);
  for (const auto& kind : kinds) to.member(kind.name, report.*kind.count);
  write_counts(to.key("records"), report.records);
  write_counts(to.key("unknown_types"), report.unknown_types);
  to.member("bad", report.bad).key("bad_lines").begin_array();
  for (const auto& bad : report.bad_lines)
    to.begin_object().member("file", bad.file).member("line", bad.line).member("reason", bad.reason).end_object();
  to.end_array().member("skipped_files", report.skipped_files).key("skipped").begin_array();
  for (const auto& [reason, count] : report.not_mapped) note(fmt::format("{}: {}", reason, grouped(count)));
  for (const auto& skipped : report.skipped) to.value(skipped);
  to.end_array();
  write_counts(to.key("mapped"), report.mapped);
  write_counts(to.key("not_mapped"), report.not_mapped);
  to.member("changed", report.changed).key("receipt");
  write_receipt(to, report.receipt);
  return to.end_object().text();
}

std::string import_text(const Report& report) {
  RowSet table{.columns = {"what came in", "count"}, .rows = {}};
  const auto add = [&](std::string_view name, std::uint64_t count) {
    table.rows.push_back({std::string(name), static_cast<std::int64_t>(count)});
  };
  add("files", report.files);
  add("files unchanged", report.files_unchanged);
  add("lines", report.lines);
  add("lines set aside", report.bad);
  for (const auto& kind : kinds) {
    std::string name(kind.name);
    std::ranges::replace(name, '_', ' ');
    add("new " + name, report.*kind.count);
  }
  for (const auto& [name, count] : report.mapped) add(fmt::format("{} of the modules", name), count);
  add("changes in all", report.changed);
  return format_table(table, style_of_output(false)) + "\n" + position_text(report.receipt);
}

/// What a person should look at.
void note_oddities(const Report& report) {
  for (const auto& bad : report.bad_lines) note(fmt::format("{}:{}: {}", bad.file, bad.line, bad.reason));
  if (report.bad > report.bad_lines.size())
    note(fmt::format("… and {} more lines, all of them in the table claude_bad_lines",
                     grouped(report.bad - report.bad_lines.size())));
  for (const auto& [type, count] : report.unknown_types)
    note(fmt::format("{} lines of the unknown type '{}' were kept as events", grouped(count), printable(type)));
  for (const auto& skipped : report.skipped) note("skipped " + skipped);
}

Result<ExitCode> run_import(const ImportArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {.create = true}, [&](Hive& hive) -> Result<ExitCode> {
    const CaughtInterrupts caught;
    runtime::ProgressBar bar(progress_mode(line.settings));
    const auto progress = [&](std::string_view stage, std::uint64_t done, std::uint64_t total) {
      bar.update(stage, done, total);
      // Closing is how a call of many commits is stopped between two of them: the next one fails with `cancelled`.
      if (interrupted()) static_cast<void>(hive.close());
    };
    auto imported = intake::import_claude(hive, arguments.path, {}, progress);
    bar.finish();
    if (!imported) TRIUNE_TRY(stop_if_interrupted());
    TRIUNE_ASSIGN(Report report, std::move(imported));
    TRIUNE_ASSIGN(report.receipt, settle(hive, std::move(report.receipt), line.settings, arguments.waiting));
    print(line.settings.json ? import_document(report) + "\n" : import_text(report));
    if (!line.settings.json) note_oddities(report);
    return ExitCode::ok;
  });
}

}  // namespace

void add_import_commands(CLI::App& root, CommandLine& line) {
  auto* import =
      add_command(root, "import", "Import what other programs left behind", "triune import claude ~/.claude");
  import->require_subcommand(1);
  auto arguments = std::make_shared<ImportArguments>();
  auto* command = add_command(*import, "claude",
                              "Import session logs and settings of Claude Code; makes the hive when there is none",
                              "triune import claude ~/.claude");
  command->add_option("path", arguments->path, "~/.claude, a project's folder, or one .jsonl file")
      ->required()
      ->type_name("PATH");
  add_waiting(command, arguments->waiting);
  when_chosen(command, line, arguments, run_import);
  add_import_hive_commands(*import, line);
}

}  // namespace triune::front
