// schema new|plan|apply|revert|status|verify|lint|drift: migrations of users' tables.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/json_writer.h"
#include "front/cli/schema_documents.h"
#include "front/cli/terminal.h"
#include "hive/schema_runner.h"
#include "migrate/files.h"

namespace triune::front {
namespace {

constexpr const char* user_series = "user";

struct SchemaArguments {
  std::string directory = "./schema";
  std::string series = user_series;
  std::string name;
  std::int64_t to = -1;
  std::uint32_t steps = 0;
  std::uint64_t sample = 1'000;
  bool attempt = false;
  bool up_down_up = false;
  bool own = false;
  bool rules = false;
  bool change = false;
};

/// The migrations that a command is about: of the directory, or embedded ones.
struct ChosenSeries {
  migrate::MigrationFiles files;
  std::span<const migrate::Migration> migrations;
};

Result<ChosenSeries> choose(const SchemaArguments& arguments, contract::Dialect dialect) {
  ChosenSeries chosen;
  if (arguments.series == user_series) {
    TRIUNE_ASSIGN(chosen.files, migrate::read_files(arguments.directory, dialect));
    chosen.migrations = chosen.files.migrations;
    return chosen;
  }
  chosen.migrations = migrate::migrations(dialect, arguments.series);
  if (!chosen.migrations.empty()) return chosen;
  return failure(ErrorCode::not_found, fmt::format("there is no series '{}'; there are: user, {}", arguments.series,
                                                   fmt::join(migrate::series_names(dialect), ", ")));
}

using SchemaWork = std::function<Result<ExitCode>(const migrate::Runner&, contract::Dialect)>;

Result<ExitCode> with_schema(const CommandLine& line, const SchemaWork& work) {
  return with_hive(line.settings, {.project_in_background = false}, [&](Hive& hive) -> Result<ExitCode> {
    const auto runner = hive::schema_runner(hive);
    return work(runner, runner.store.capabilities().dialect);
  });
}

void answer(const CommandLine& line, const std::string& document, const std::string& text) {
  print(line.settings.json ? document : text);
}

Result<ExitCode> run_new(const SchemaArguments& arguments, const CommandLine& line) {
  TRIUNE_ASSIGN(const auto made, migrate::new_files(arguments.directory, arguments.name, arguments.change));
  JsonWriter to;
  to.begin_object().key("made").begin_array();
  std::string text;
  for (const auto& file : made) {
    to.value(file);
    text += fmt::format("made {}\n", printable(file));
  }
  answer(line, to.end_array().end_object().text() + "\n", text);
  return ExitCode::ok;
}

Result<ExitCode> run_plan(const SchemaArguments& arguments, const CommandLine& line) {
  return with_schema(line, [&](const migrate::Runner& runner, contract::Dialect dialect) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto chosen, choose(arguments, dialect));
    const auto deadline = deadline_of(line.settings);
    TRIUNE_ASSIGN(const auto plan, migrate::plan(runner.store, arguments.series, chosen.migrations, deadline));
    if (arguments.attempt) TRIUNE_TRY(migrate::try_pending(runner, arguments.series, chosen.migrations, deadline));
    answer(line, plan_document(plan, arguments.attempt), plan_text(plan, arguments.attempt));
    return ExitCode::ok;
  });
}

Result<ExitCode> run_apply(const SchemaArguments& arguments, const CommandLine& line) {
  return with_schema(line, [&](const migrate::Runner& runner, contract::Dialect dialect) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto chosen, choose(arguments, dialect));
    migrate::ApplyOptions options;
    if (arguments.to >= 0) options.to = static_cast<std::uint32_t>(arguments.to);
    TRIUNE_ASSIGN(const auto applied,
                  migrate::apply(runner, user_series, chosen.migrations, deadline_of(line.settings), options));
    answer(line, applied_document("applied", applied), applied_text("applied", applied));
    return ExitCode::ok;
  });
}

Result<ExitCode> run_revert(const SchemaArguments& arguments, const CommandLine& line) {
  return with_schema(line, [&](const migrate::Runner& runner, contract::Dialect) -> Result<ExitCode> {
    const auto deadline = deadline_of(line.settings);
    TRIUNE_ASSIGN(const auto applied, migrate::history(runner.store, user_series, deadline));
    const auto count = static_cast<std::uint32_t>(applied.size());
    const auto to =
        arguments.to >= 0 ? static_cast<std::uint32_t>(arguments.to) : count - std::min(count, arguments.steps);
    TRIUNE_ASSIGN(const auto reverted, migrate::revert(runner, user_series, to, deadline));
    answer(line, applied_document("reverted", reverted), applied_text("reverted", reverted));
    return ExitCode::ok;
  });
}

Result<ExitCode> run_status(const SchemaArguments& arguments, const CommandLine& line) {
  return with_schema(line, [&](const migrate::Runner& runner, contract::Dialect dialect) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto chosen, choose(arguments, dialect));
    TRIUNE_ASSIGN(const auto states,
                  migrate::status(runner.store, arguments.series, chosen.migrations, deadline_of(line.settings)));
    answer(line, states_document(arguments.series, states), states_text(states));
    return ExitCode::ok;
  });
}

Result<ExitCode> run_verify(const SchemaArguments& arguments, const CommandLine& line) {
  return with_schema(line, [&](const migrate::Runner& runner, contract::Dialect dialect) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto chosen, choose(arguments, dialect));
    const auto deadline = deadline_of(line.settings);
    const bool user = arguments.series == user_series;
    const auto scope = user ? contract::ReadScope::user : contract::ReadScope::internal;
    TRIUNE_ASSIGN(const auto verified,
                  migrate::verify(runner.store, arguments.series, chosen.migrations, scope, deadline));
    migrate::UpDownUp rehearsed;
    if (arguments.up_down_up) {
      TRIUNE_ASSIGN(const auto applied, migrate::history(runner.store, arguments.series, deadline));
      const auto owner = user ? migrate::Owner::users : migrate::Owner::triune;
      TRIUNE_ASSIGN(rehearsed, migrate::try_up_down_up(runner.store, chosen.migrations, applied.size(), owner,
                                                       arguments.sample, deadline));
    }
    const auto* const shown = arguments.up_down_up ? &rehearsed : nullptr;
    answer(line, verified_document(verified, shown), verified_text(verified, shown));
    return verified.wrong.empty() && rehearsed.wrong.empty() ? ExitCode::ok : ExitCode::conflict;
  });
}

Result<std::vector<migrate::Finding>> lint_folder(const std::string& directory, contract::Dialect dialect) {
  TRIUNE_ASSIGN(const auto files, migrate::read_files(directory, dialect));
  std::vector<migrate::LintFile> texts;
  for (const auto& one : files.migrations) texts.push_back({files.file(one), one.sql});
  return migrate::lint(texts, dialect);
}

Result<ExitCode> run_lint(const SchemaArguments& arguments, const CommandLine& line) {
  if (arguments.rules) {
    answer(line, rules_document(), rules_text());
    return ExitCode::ok;
  }
  std::vector<migrate::Finding> all;
  bool any = false;
  for (const auto dialect : {contract::Dialect::sqlite, contract::Dialect::postgres}) {
    std::error_code ignored;
    if (!std::filesystem::exists(std::filesystem::path(arguments.directory) / migrate::folder_of(dialect), ignored))
      continue;
    any = true;
    TRIUNE_ASSIGN(const auto findings, lint_folder(arguments.directory, dialect));
    all.insert(all.end(), findings.begin(), findings.end());
  }
  if (!any) return failure(ErrorCode::not_found, fmt::format("there are no migrations in {}", arguments.directory));
  answer(line, findings_document(all), findings_text(all));
  return all.empty() ? ExitCode::ok : ExitCode::conflict;
}

Result<ExitCode> run_drift(const SchemaArguments& arguments, const CommandLine& line) {
  return with_schema(line, [&](const migrate::Runner& runner, contract::Dialect) -> Result<ExitCode> {
    const auto owner = arguments.own ? migrate::Owner::triune : migrate::Owner::users;
    TRIUNE_ASSIGN(const auto drift, migrate::find_drift(runner.store, owner, deadline_of(line.settings)));
    answer(line, drift_document(drift), drift_text(drift));
    return drift.empty() ? ExitCode::ok : ExitCode::conflict;
  });
}

class SchemaParser {
 public:
  SchemaParser(CLI::App& parent, CommandLine& line) : parent_(parent), line_(line) {}

  using Work = Result<ExitCode> (*)(const SchemaArguments&, const CommandLine&);
  CLI::App* add(const std::string& name, const std::string& purpose, const std::string& example, Work work) {
    arguments_ = std::make_shared<SchemaArguments>();
    command_ = add_command(parent_, name, purpose, example);
    when_chosen(command_, line_, arguments_, work);
    return command_;
  }
  SchemaArguments& arguments() { return *arguments_; }

  void directory() {
    command_->add_option("--dir", arguments_->directory, "Where the folders sqlite and postgres with migrations are")
        ->envname("TRIUNE_SCHEMA")
        ->capture_default_str()
        ->type_name("DIR");
  }
  void series() {
    command_->add_option("--series", arguments_->series, "user, or an embedded one: hive, or a module's name")
        ->capture_default_str()
        ->type_name("NAME");
  }

 private:
  CLI::App& parent_;
  CommandLine& line_;
  CLI::App* command_ = nullptr;
  std::shared_ptr<SchemaArguments> arguments_;
};

void add_changing(SchemaParser& to) {
  auto* make = to.add("new", "Make the files of the next migration", "triune schema new add_priority", run_new);
  make->add_option("name", to.arguments().name, "Small letters, digits and '_'")->required()->type_name("NAME");
  make->add_flag("--change", to.arguments().change, "A change for `schema change`, in place of the two texts");
  to.directory();
  auto* apply = to.add("apply", "Apply what is pending, each migration in a transaction with its record",
                       "triune schema apply --to 7", run_apply);
  apply->add_option("--to", to.arguments().to, "The last version to apply")->type_name("VERSION");
  to.directory();
  auto* revert = to.add("revert", "Undo the last migrations, by the down texts recorded when they were applied",
                        "triune schema revert --steps 1", run_revert);
  revert->add_option("--to", to.arguments().to, "The version to go back to; 0: to before the first")
      ->type_name("VERSION")
      ->check(CLI::NonNegativeNumber.description(""));
  revert->add_option("--steps", to.arguments().steps, "How many to undo")
      ->type_name("N")
      ->check(CLI::PositiveNumber.description(""));
  revert->require_option(1);
}

void add_looking(SchemaParser& to) {
  auto* plan = to.add("plan", "Show what apply would run: locks, rewrites, rows, findings", "triune schema plan --try",
                      run_plan);
  plan->add_flag("--try", to.arguments().attempt, "Also run it in a transaction that is undone");
  to.directory();
  to.series();
  to.add("status", "Where each migration stands", "triune schema status", run_status);
  to.directory();
  to.series();
  auto* verify =
      to.add("verify", "Compare checksums and run the verify texts", "triune schema verify --up-down-up", run_verify);
  verify->add_flag("--up-down-up", to.arguments().up_down_up, "Also apply, revert and apply all on a copy with rows");
  verify->add_option("--sample", to.arguments().sample, "Rows of each table in that copy")
      ->capture_default_str()
      ->type_name("N");
  to.directory();
  to.series();
  auto* lint = to.add("lint", "Find what locks, rewrites or breaks; no hive is opened", "triune schema lint", run_lint);
  lint->add_flag("--rules", to.arguments().rules, "List the rules instead");
  to.directory();
  auto* drift =
      to.add("drift", "Compare the schema with what the applied migrations make", "triune schema drift", run_drift);
  drift->add_flag("--own", to.arguments().own, "Of Triune's own tables instead of the users'");
}

}  // namespace

void add_schema_commands(CLI::App& root, CommandLine& line) {
  auto* schema = add_command(root, "schema", "Migrations of your tables", "triune schema apply --dir ./schema");
  schema->require_subcommand(1);
  SchemaParser parser(*schema, line);
  add_changing(parser);
  add_looking(parser);
  add_schema_change_commands(*schema, line);
}

}  // namespace triune::front
