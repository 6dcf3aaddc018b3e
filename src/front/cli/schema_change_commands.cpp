// schema change start|backfill|status|contract|abort: a column changes while old and new programs work side by side.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/interrupt.h"
#include "front/cli/json_writer.h"
#include "front/cli/terminal.h"
#include "hive/schema_runner.h"
#include "migrate/change.h"
#include "migrate/files.h"
#include "runtime/progress_bar.h"

namespace triune::front {
namespace {

struct ChangeArguments {
  std::string directory = "./schema";
  std::uint64_t batches = 0;
  std::int64_t pause_ms = -1;
};

using Reports = std::vector<migrate::ChangeReport>;

std::string document(const migrate::ChangeProgress* progress, std::string_view phase, const Reports& reports) {
  JsonWriter to;
  to.begin_object().key("change");
  if (progress == nullptr) return to.raw("null").end_object().text() + "\n";
  to.begin_object().member("version", progress->version).member("name", progress->name).member("phase", phase);
  to.member("table", progress->definition.table).member("column", progress->definition.column_names());
  to.member("replaces", progress->definition.replaced_names()).member("rows_done", progress->rows_done);
  to.member("started_at", progress->started_at).member("started_by", progress->started_by);
  to.key("rows").begin_array();
  for (const auto& one : reports)
    to.begin_object().key("key").raw(one.key).member("kind", one.kind).member("message", one.message).end_object();
  return to.end_array().end_object().end_object().text() + "\n";
}

std::string text(const migrate::ChangeProgress* progress, std::string_view phase, const Reports& reports) {
  if (progress == nullptr) return "no change is under way\n";
  auto lines = fmt::format("{} is {}: {}.{}, {} rows filled; started {} by {}\n",
                           migrate::stem(progress->version, progress->name), phase,
                           printable(progress->definition.table), printable(progress->definition.column_names()),
                           grouped(progress->rows_done), progress->started_at, printable(progress->started_by));
  for (const auto& one : reports)
    lines += fmt::format("  {} {}: {}\n", one.kind, printable(one.key), printable(one.message));
  return lines;
}

void tell(const CommandLine& line, const migrate::ChangeProgress* progress, std::string_view phase,
          const Reports& reports = {}) {
  print(line.settings.json ? document(progress, phase, reports) : text(progress, phase, reports));
}

using RunnerWork = std::function<Result<ExitCode>(const migrate::Runner&)>;

Result<ExitCode> with_runner(const CommandLine& line, const RunnerWork& work) {
  return with_hive(line.settings, {.project_in_background = false},
                   [&](Hive& hive) -> Result<ExitCode> { return work(hive::schema_runner(hive)); });
}

Result<ExitCode> run_start(const ChangeArguments& arguments, const CommandLine& line) {
  return with_runner(line, [&](const migrate::Runner& runner) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto files, migrate::read_files(arguments.directory, runner.store.capabilities().dialect));
    TRIUNE_ASSIGN(const auto progress, migrate::start_change(runner, files.migrations, deadline_of(line.settings)));
    tell(line, &progress, progress.phase);
    return ExitCode::ok;
  });
}

Result<ExitCode> run_backfill(const ChangeArguments& arguments, const CommandLine& line) {
  return with_runner(line, [&](const migrate::Runner& runner) -> Result<ExitCode> {
    const CaughtInterrupts caught;
    runtime::ProgressBar bar(progress_mode(line.settings));
    migrate::BackfillOptions options{.most_batches = arguments.batches, .pause = {}, .cancelled = {}, .progress = {}};
    if (arguments.pause_ms >= 0) options.pause = std::chrono::milliseconds(arguments.pause_ms);
    options.cancelled = [] { return interrupted(); };
    options.progress = [show = bar.callback()](std::uint64_t rows) { show("backfill", rows, 0); };
    // Resumable, so that it may take as long as it takes.
    auto done = migrate::backfill_change(runner, options, Deadline::never());
    bar.finish();
    if (!done) return failure_of(done);
    TRIUNE_ASSIGN(const auto reports, migrate::change_reports(runner.store, deadline_of(line.settings)));
    tell(line, &*done, done->phase, reports);
    return interrupted() ? ExitCode::interrupted : ExitCode::ok;
  });
}

Result<ExitCode> run_status(const ChangeArguments&, const CommandLine& line) {
  return with_runner(line, [&](const migrate::Runner& runner) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto progress, migrate::change_under_way(runner.store, deadline_of(line.settings)));
    TRIUNE_ASSIGN(const auto reports, migrate::change_reports(runner.store, deadline_of(line.settings)));
    tell(line, progress ? &*progress : nullptr, progress ? progress->phase : std::string(), reports);
    return ExitCode::ok;
  });
}

Result<ExitCode> run_contract(const ChangeArguments&, const CommandLine& line) {
  return with_runner(line, [&](const migrate::Runner& runner) -> Result<ExitCode> {
    const auto deadline = deadline_of(line.settings);
    TRIUNE_ASSIGN(const auto progress, migrate::change_under_way(runner.store, deadline));
    TRIUNE_TRY(migrate::contract_change(runner, deadline));
    tell(line, progress ? &*progress : nullptr, "contracted");
    return ExitCode::ok;
  });
}

Result<ExitCode> run_abort(const ChangeArguments&, const CommandLine& line) {
  return with_runner(line, [&](const migrate::Runner& runner) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto progress, migrate::abort_change(runner, deadline_of(line.settings)));
    tell(line, &progress, "aborted");
    return ExitCode::ok;
  });
}

}  // namespace

void add_schema_change_commands(CLI::App& schema, CommandLine& line) {
  auto* change = add_command(schema, "change", "Change a column while old and new programs work side by side",
                             "triune schema change start --dir ./schema");
  change->require_subcommand(1);
  const auto add = [&](const char* name, const char* purpose,
                       Result<ExitCode> (*work)(const ChangeArguments&, const CommandLine&)) {
    auto arguments = std::make_shared<ChangeArguments>();
    auto* command = add_command(*change, name, purpose, fmt::format("triune schema change {}", name));
    when_chosen(command, line, arguments, work);
    return std::pair(command, arguments);
  };
  auto [start, directory] = add("start", "Add the new columns and keep them in step with the old ones", run_start);
  start->add_option("--dir", directory->directory, "Where the folders sqlite and postgres with migrations are")
      ->envname("TRIUNE_SCHEMA")
      ->capture_default_str()
      ->type_name("DIR");
  auto [backfill, limits] =
      add("backfill", "Fill the rows that were there, batch by batch; may be stopped", run_backfill);
  backfill->add_option("--batches", limits->batches, "Stop after so many")->type_name("N");
  backfill->add_option("--pause", limits->pause_ms, "Between batches, instead of the declared one")
      ->type_name("MILLISECONDS")
      ->check(CLI::NonNegativeNumber.description(""));
  add("status", "Which change is under way, and how far it is", run_status);
  add("contract", "Take the old columns away and record the migration", run_contract);
  add("abort", "Take the new columns away: everything is as before", run_abort);
}

}  // namespace triune::front
