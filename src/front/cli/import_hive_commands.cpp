// import agent-hive and import sqlite-hive: what other agent platforms keep.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/interrupt.h"
#include "front/cli/json_writer.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"
#include "intake/agent_hive/import.h"
#include "intake/sqlite_hive/import.h"
#include "runtime/progress_bar.h"

namespace triune::front {
namespace {

struct PathArguments {
  std::string path;
};

/// Runs an import; Ctrl-C closes the hive between two of its commits.
template <class Report>
Result<Report> imported(Hive& hive, const CommandLine& line, const std::string& path,
                        Result<Report> (*import)(Hive&, const std::filesystem::path&, const Progress&)) {
  const CaughtInterrupts caught;
  runtime::ProgressBar bar(progress_mode(line.settings));
  const Progress progress = [&](std::string_view stage, std::uint64_t done, std::uint64_t total) {
    bar.update(stage, done, total);
    if (interrupted()) static_cast<void>(hive.close());
  };
  auto report = import(hive, path, progress);
  bar.finish();
  if (!report) TRIUNE_TRY(stop_if_interrupted());
  return report;
}

std::string agent_hive_document(const intake::AgentHiveReport& report) {
  JsonWriter to;
  to.begin_object()
      .member("files", report.files)
      .member("files_unchanged", report.files_unchanged)
      .member("duplicate_events", report.duplicate_events)
      .key("mapped")
      .begin_object();
  for (const auto& [what, count] : report.mapped) to.member(what, count);
  to.end_object().member("not_taken_count", report.not_taken_count).key("not_taken").begin_array();
  for (const auto& one : report.not_taken)
    to.begin_object().member("file", one.file).member("line", one.line).member("reason", one.reason).end_object();
  return to.end_array().end_object().text() + "\n";
}

Result<ExitCode> run_agent_hive(const PathArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {.create = true}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto report, imported(hive, line, arguments.path, &intake::import_agent_hive));
    if (line.settings.json) {
      print(agent_hive_document(report));
      return ExitCode::ok;
    }
    RowSet table{.columns = {"what came in", "count"}, .rows = {}};
    for (const auto& [what, count] : report.mapped) table.rows.push_back({what, static_cast<std::int64_t>(count)});
    table.rows.push_back({std::string("events that were there"), static_cast<std::int64_t>(report.duplicate_events)});
    print(format_table(table, style_of_output(line.settings.wide)));
    for (const auto& one : report.not_taken)
      note(printable(
          fmt::format("not taken: {}{}: {}", one.file, one.line == 0 ? "" : fmt::format(":{}", one.line), one.reason)));
    return ExitCode::ok;
  });
}

std::string sqlite_hive_document(const intake::SqliteHiveReport& report) {
  JsonWriter to;
  to.begin_object().key("tables").begin_array();
  for (const auto& [table, mapped] : report.mapped)
    to.begin_object().member("table", table).member("became", mapped.first).member("rows", mapped.second).end_object();
  to.end_array().member("not_taken_count", report.not_taken_count).key("not_taken").begin_array();
  for (const auto& one : report.not_taken)
    to.begin_object().member("table", one.table).member("row", one.row).member("reason", one.reason).end_object();
  return to.end_array().end_object().text() + "\n";
}

Result<ExitCode> run_sqlite_hive(const PathArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {.create = true}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto report, imported(hive, line, arguments.path, &intake::import_sqlite_hive));
    if (line.settings.json) {
      print(sqlite_hive_document(report));
      return ExitCode::ok;
    }
    RowSet table{.columns = {"table", "became", "rows"}, .rows = {}};
    for (const auto& [name, mapped] : report.mapped)
      table.rows.push_back({name, mapped.first, static_cast<std::int64_t>(mapped.second)});
    print(format_table(table, style_of_output(line.settings.wide)));
    for (const auto& one : report.not_taken)
      note(printable(fmt::format("not taken: {}{}: {}", one.table, one.row.empty() ? "" : " " + one.row, one.reason)));
    return ExitCode::ok;
  });
}

}  // namespace

void add_import_hive_commands(CLI::App& import, CommandLine& line) {
  auto tree = std::make_shared<PathArguments>();
  auto* agent_hive =
      add_command(import, "agent-hive", "Import agents, logs, snapshots and settings of an agent hive's .claude tree",
                  "triune import agent-hive ./project/.claude");
  agent_hive->add_option("path", tree->path, "The .claude folder, or one that contains it")
      ->required()
      ->type_name("PATH");
  when_chosen(agent_hive, line, tree, run_agent_hive);
  auto file = std::make_shared<PathArguments>();
  auto* sqlite_hive = add_command(import, "sqlite-hive", "Import the database of a hive-mind or swarm program",
                                  "triune import sqlite-hive .hive-mind/hive.db");
  sqlite_hive->add_option("file", file->path, "The SQLite database; it is only read")->required()->type_name("FILE");
  when_chosen(sqlite_hive, line, file, run_sqlite_hive);
}

}  // namespace triune::front
