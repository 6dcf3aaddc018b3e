// verify, repair, rebuild and sweep.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/interrupt.h"
#include "front/cli/terminal.h"
#include "runtime/progress_bar.h"

namespace triune::front {
namespace {

struct VerifyArguments {
  Waiting waiting;
};

void print_report(const VerifyReport& report, bool json) {
  print(json ? verify_document(report) + "\n" : verify_text(report));
}

/// Differences that are only changes on their way are none: so the projections come first.
Result<ExitCode> run_verify(const VerifyArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    const ExitsOnInterrupt exits(line.settings.json);
    TRIUNE_TRY(settle(hive, line.settings, arguments.waiting));
    TRIUNE_TRY(stop_if_interrupted());
    runtime::ProgressBar progress(progress_mode(line.settings));
    TRIUNE_ASSIGN(const VerifyReport report, hive.verify(progress.callback()));
    progress.finish();
    print_report(report, line.settings.json);
    if (report.ok) return ExitCode::ok;
    if (!line.settings.json) note("`triune repair` mends projections");
    return ExitCode::conflict;
  });
}

Result<ExitCode> run_repair(const VerifyArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    const ExitsOnInterrupt exits(line.settings.json);
    TRIUNE_TRY(settle(hive, line.settings, arguments.waiting));
    TRIUNE_TRY(stop_if_interrupted());
    runtime::ProgressBar progress(progress_mode(line.settings));
    TRIUNE_ASSIGN(const VerifyReport found, hive.repair(progress.callback()));
    progress.finish();
    print_report(found, line.settings.json);
    if (found.blobs_missing + found.blobs_corrupt > 0) {
      note("damaged blobs cannot be made anew: put them again, or delete their names");
      return ExitCode::conflict;
    }
    if (!found.ok) note("these were found and mended");
    return ExitCode::ok;
  });
}

struct RebuildArguments {
  std::string projection;
};

Result<ExitCode> run_rebuild(const RebuildArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    const ExitsOnInterrupt exits(line.settings.json);
    runtime::ProgressBar progress(progress_mode(line.settings));
    TRIUNE_TRY(hive.rebuild(arguments.projection, progress.callback()));
    progress.finish();
    TRIUNE_ASSIGN(const HiveStatus status, hive.status());
    print(line.settings.json ? status_document(status) + "\n" : status_text(status));
    return ExitCode::ok;
  });
}

struct SweepArguments {
  std::int64_t grace_seconds = 3600;
};

Result<ExitCode> run_sweep(const SweepArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const std::uint64_t removed, hive.sweep(std::chrono::seconds(arguments.grace_seconds)));
    JsonWriter to;
    to.begin_object().member("blobs_removed", removed).end_object();
    print(line.settings.json ? to.text() + "\n" : fmt::format("{} unreferenced blobs removed\n", grouped(removed)));
    return ExitCode::ok;
  });
}

}  // namespace

void add_repair_commands(CLI::App& root, CommandLine& line) {
  auto verify = std::make_shared<VerifyArguments>();
  auto* compare =
      add_command(root, "verify", "Compare every projection and blob with the rows; exit code 4: they differ",
                  "triune verify --json");
  add_waiting(compare, verify->waiting);
  when_chosen(compare, line, verify, run_verify);

  auto repair = std::make_shared<VerifyArguments>();
  auto* mend = add_command(root, "repair", "Mend just what verify finds, and print what was found", "triune repair");
  add_waiting(mend, repair->waiting);
  when_chosen(mend, line, repair, run_repair);

  auto rebuild = std::make_shared<RebuildArguments>();
  auto* anew = add_command(root, "rebuild", "Make one projection, or all, anew from the rows", "triune rebuild graph");
  anew->add_option("projection", rebuild->projection, "graph, or vector:NAME; default: all")->type_name("PROJECTION");
  when_chosen(anew, line, rebuild, run_rebuild);

  auto sweep = std::make_shared<SweepArguments>();
  auto* clean = add_command(root, "sweep", "Delete unreferenced blobs and log entries nobody needs any more",
                            "triune sweep --grace 86400");
  clean->add_option("--grace", sweep->grace_seconds, "Keep blobs younger than this")
      ->capture_default_str()
      ->type_name("SECONDS")
      ->check(CLI::NonNegativeNumber.description(""));
  when_chosen(clean, line, sweep, run_sweep);
}

}  // namespace triune::front
