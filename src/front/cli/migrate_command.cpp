// migrate plan|apply|verify|status|rollback: an existing SQLite database into a hive.
#include <fmt/format.h>

#include "adapters/builtin.h"
#include "base/file.h"
#include "base/try.h"
#include "front/cli/assess_options.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/interrupt.h"
#include "front/cli/migrate_documents.h"
#include "front/cli/terminal.h"
#include "hive/location.h"
#include "intake/legacy_sqlite/propose.h"
#include "intake/legacy_sqlite/server_plan.h"
#include "runtime/progress_bar.h"

namespace triune::front {
namespace {

namespace legacy = intake::legacy;

constexpr std::uint64_t longest_plan = 64ULL << 20U;
/// A gigabyte is migrated and compared within half of one.
constexpr std::uint64_t graph_memory_bytes = 64ULL << 20U;

Status write_file(const std::string& path, const std::string& text) {
  auto written = base::write_durably(path, base::as_bytes(text));
  if (!written) written.error().message = fmt::format("cannot write {}: {}", path, written.error().message);
  return written;
}

struct PlanArguments {
  std::string path;
  std::string out;
  std::string table;
  bool skip_measuring = false;
  CLI::Option* deadline = nullptr;
};

/// A plan for one table leaves the others behind, by name.
void keep_only(legacy::Plan& plan, const std::string& table) {
  for (auto& one : plan.tables) one.copy = one.name == table;
  std::erase_if(plan.nodes, [&](const auto& one) { return one.table != table; });
  const auto labelled = [&](const std::string& label) {
    return std::any_of(plan.nodes.begin(), plan.nodes.end(), [&](const auto& node) { return node.label == label; });
  };
  std::erase_if(plan.edges, [&](const auto& one) {
    return one.table != table || !labelled(one.from_label) || !labelled(one.to_label);
  });
  const auto elsewhere = [&](const auto& one) { return one.table != table; };
  std::erase_if(plan.vectors, elsewhere);
  std::erase_if(plan.blobs, elsewhere);
  std::erase_if(plan.texts, elsewhere);
  std::erase_if(plan.indexes, elsewhere);
  for (auto& view : plan.views) view.apply = false;
  for (auto& trigger : plan.triggers) trigger.apply = false;
}

Result<ExitCode> run_plan(const PlanArguments& arguments, const CommandLine& line) {
  const CaughtInterrupts caught;
  // A plan may be applied from another folder.
  const auto path = std::filesystem::absolute(arguments.path).lexically_normal().string();
  TRIUNE_ASSIGN(const auto report, assess_file(path, line.settings, arguments.deadline->count() > 0,
                                               [&arguments](placement::AssessOptions& options) {
                                                 options.measure = !arguments.skip_measuring;
                                               }));
  TRIUNE_ASSIGN(const auto source, legacy::LegacySource::open(adapters::builtin(), path));
  TRIUNE_ASSIGN(auto plan, legacy::propose(report, *source));
  if (!arguments.table.empty()) {
    if (source->table(arguments.table) == nullptr)
      return failure(ErrorCode::not_found,
                     fmt::format("there is no table \"{}\" in {}", arguments.table, arguments.path));
    keep_only(plan, arguments.table);
  }
  TRIUNE_ASSIGN(const auto location, hive::parse_location(line.settings.hive));
  if (!location.url.empty()) TRIUNE_TRY(legacy::suit_server(plan, *source));
  const auto text = legacy::plan_text(plan);
  if (arguments.out.empty()) {
    print(text);
    return ExitCode::ok;
  }
  TRIUNE_TRY(write_file(arguments.out, text));
  print(line.settings.json ? text : plan_summary(plan, arguments.out));
  return ExitCode::ok;
}

struct ApplyArguments {
  std::string plan;
  std::string approved_by;
  std::string stop_after;
  std::string report;
  bool accept_changes = false;
  bool skip_measuring = false;
};

legacy::ApplyOptions options_of(runtime::ProgressBar& bar) {
  legacy::ApplyOptions options;
  options.progress = bar.callback();
  options.cancelled = [] { return interrupted(); };
  return options;
}

Result<ExitCode> print_apply(const legacy::ApplyReport& report, const ApplyArguments& arguments, bool json) {
  if (!arguments.report.empty()) {
    const bool page = arguments.report.ends_with(".html");
    TRIUNE_TRY(write_file(arguments.report, page ? apply_page(report) : apply_document(report) + "\n"));
  }
  print(json ? apply_document(report) + "\n" : apply_text(report));
  return report.verification.same() ? ExitCode::ok : ExitCode::conflict;
}

Result<ExitCode> run_apply(const ApplyArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const Bytes text, base::read_file(arguments.plan, longest_plan));
  TRIUNE_ASSIGN(const auto plan, legacy::parse_plan(base::as_text(text)));
  return with_hive(line.settings,
                   {.create = true, .project_in_background = false, .graph_memory_bytes = graph_memory_bytes},
                   [&](Hive& hive) -> Result<ExitCode> {
                     const CaughtInterrupts caught;
                     runtime::ProgressBar bar(progress_mode(line.settings));
                     auto options = options_of(bar);
                     options.approved_by = arguments.approved_by;
                     options.stop_after = arguments.stop_after;
                     options.accept_changes = arguments.accept_changes;
                     options.measure = !arguments.skip_measuring;
                     auto report = legacy::apply(hive, adapters::builtin(), plan, options);
                     bar.finish();
                     if (!report) return failure_of(report);
                     return print_apply(*report, arguments, line.settings.json);
                   });
}

struct VerifyArguments {
  std::string against;
};

Result<ExitCode> run_verify(const VerifyArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {.project_in_background = false}, [&](Hive& hive) -> Result<ExitCode> {
    const CaughtInterrupts caught;
    runtime::ProgressBar bar(progress_mode(line.settings));
    auto compared = legacy::verify_again(hive, adapters::builtin(), arguments.against, options_of(bar));
    bar.finish();
    if (!compared) return failure_of(compared);
    print(line.settings.json ? verification_document(*compared) + "\n" : verification_text(*compared));
    return compared->same() ? ExitCode::ok : ExitCode::conflict;
  });
}

struct StatusArguments {};

Result<ExitCode> run_status(const StatusArguments&, const CommandLine& line) {
  return with_hive(line.settings, {.project_in_background = false}, [&](Hive& hive) -> Result<ExitCode> {
    legacy::Journal journal(hive);
    TRIUNE_ASSIGN(const auto migrations, journal.migrations());
    std::vector<MigrationStatus> all;
    for (const auto& migration : migrations) {
      TRIUNE_ASSIGN(auto steps, journal.steps(migration.id));
      TRIUNE_ASSIGN(auto audit, journal.audit(migration.id));
      all.push_back({migration, std::move(steps), std::move(audit)});
    }
    print(line.settings.json ? migrations_document(all) + "\n" : migrations_text(all));
    return ExitCode::ok;
  });
}

struct RollbackArguments {
  legacy::RollbackOptions options;
};

Result<ExitCode> run_rollback(const RollbackArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto report, legacy::rollback(hive, adapters::builtin(), arguments.options));
    if (line.settings.json) {
      print(rollback_document(report) + "\n");
      return ExitCode::ok;
    }
    print(fmt::format("migration {} is taken back: {} tables dropped\n", report.migration, report.tables.size()));
    for (const auto& remark : report.remarks) print(printable(remark) + "\n");
    return ExitCode::ok;
  });
}

void add_plan(CLI::App& parent, CommandLine& line, CLI::Option* deadline) {
  auto arguments = std::make_shared<PlanArguments>();
  auto* command = add_command(parent, "plan", "Propose where everything in a SQLite database goes; nothing is changed",
                              "triune migrate plan app.db --out plan.json");
  command->add_option("file", arguments->path, "The database")->required()->type_name("FILE");
  command->add_option("--out", arguments->out, "Where the plan goes; default: standard output")->type_name("FILE");
  command->add_option("--table", arguments->table, "Only this table")->type_name("NAME");
  command->add_flag("--no-measure", arguments->skip_measuring, "Measure no gains");
  arguments->deadline = deadline;
  when_chosen(command, line, arguments, run_plan);
}

void add_apply(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<ApplyArguments>();
  auto* command = add_command(parent, "apply", "Carry a plan out, or go on with it",
                              "triune migrate apply --plan plan.json --hive ./hive --approved-by ada");
  command->add_option("--plan", arguments->plan, "The plan, as `migrate plan` wrote it or edited")
      ->required()
      ->type_name("FILE");
  command->add_option("--approved-by", arguments->approved_by, "Who approves; goes into the audit trail")
      ->type_name("NAME");
  command->add_option("--stop-after", arguments->stop_after, "Stop when this phase is done")
      ->type_name("PHASE")
      ->check(CLI::IsMember(legacy::phases()).description(""));
  command->add_option("--report", arguments->report, "Also write the report, as a page (.html) or as JSON")
      ->type_name("FILE");
  command->add_flag("--accept-changes", arguments->accept_changes,
                    "Take rows of the source as they are now, though they changed since the plan was made");
  command->add_flag("--no-measure", arguments->skip_measuring, "Time no queries at the end");
  when_chosen(command, line, arguments, run_apply);
}

void add_rollback(CLI::App& parent, CommandLine& line) {
  auto arguments = std::make_shared<RollbackArguments>();
  auto* command = add_command(parent, "rollback", "Take the last migration back: drop what it made",
                              "triune migrate rollback --approved-by ada");
  command->add_option("--approved-by", arguments->options.approved_by, "Who approves; goes into the audit trail")
      ->type_name("NAME");
  command->add_flag("--discard-changes", arguments->options.discard_changes, "Also drop rows written since");
  when_chosen(command, line, arguments, run_rollback);
}

}  // namespace

void add_migrate_commands(CLI::App& root, CommandLine& line) {
  auto* migrate = add_command(root, "migrate", "Bring an existing SQLite database into a hive",
                              "triune migrate plan app.db --out plan.json");
  migrate->require_subcommand(1);
  add_plan(*migrate, line, root.get_option("--deadline"));
  add_apply(*migrate, line);
  auto verify = std::make_shared<VerifyArguments>();
  auto* command =
      add_command(*migrate, "verify", "Compare what was migrated with its source, row by row", "triune migrate verify");
  command->add_option("--against", verify->against, "Another copy of the source")->type_name("FILE");
  when_chosen(command, line, verify, run_verify);
  auto* status =
      add_command(*migrate, "status", "Migrations into this hive: steps and audit trail", "triune migrate status");
  when_chosen(status, line, std::make_shared<StatusArguments>(), run_status);
  add_rollback(*migrate, line);
}

}  // namespace triune::front
