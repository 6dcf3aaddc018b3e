// init and status.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

struct InitArguments {
  std::string hive;
};

/// Opens the hive and says what it found or made.
Result<ExitCode> open_and_tell(const Settings& settings, bool create) {
  const Opening opening{.create = create, .project_in_background = false};
  return with_hive(settings, opening, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const HiveStatus status, hive.status());
    if (settings.json)
      print(status_document(status) + "\n");
    else
      print(fmt::format("{} {} (incarnation {})\n", create ? "made a hive in" : "there is a hive in",
                        printable(status.location), status.incarnation));
    return ExitCode::ok;
  });
}

Result<ExitCode> run_init(const InitArguments& arguments, const CommandLine& line) {
  Settings settings = line.settings;
  if (!arguments.hive.empty()) settings.hive = arguments.hive;
  auto existing = open_and_tell(settings, false);
  if (existing || existing.error().code != ErrorCode::not_found) return existing;
  return open_and_tell(settings, true);
}

struct StatusArguments {};

Result<ExitCode> run_status(const StatusArguments&, const CommandLine& line) {
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const HiveStatus status, hive.status());
    print(line.settings.json ? status_document(status) + "\n" : status_text(status));
    return ExitCode::ok;
  });
}

}  // namespace

void add_hive_commands(CLI::App& root, CommandLine& line) {
  auto init = std::make_shared<InitArguments>();
  auto* make = add_command(root, "init", "Make a hive, or bring an old one up to date",
                           "triune init ./hive\n  triune init postgresql://host/database");
  make->add_option("hive", init->hive, "A directory or a database's URL; default: that of --hive")
      ->type_name("DIR|URL");
  when_chosen(make, line, init, run_init);

  auto* status = add_command(root, "status", "Show the position and where each projection stands", "triune status");
  when_chosen(status, line, std::make_shared<StatusArguments>(), run_status);
}

}  // namespace triune::front
