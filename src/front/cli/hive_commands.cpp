// init and status.
#include <fmt/format.h>

#include <filesystem>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/documents.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

struct InitArguments {
  std::string directory;
};

Result<ExitCode> run_init(const InitArguments& arguments, const CommandLine& line) {
  Settings settings = line.settings;
  if (!arguments.directory.empty()) settings.directory = arguments.directory;
  const bool existed = std::filesystem::exists(settings.directory);
  return with_hive(settings, {.create = true, .project_in_background = false}, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const HiveStatus status, hive.status());
    if (settings.json)
      print(status_document(status) + "\n");
    else
      print(fmt::format("{} {} (incarnation {})\n", existed ? "there is a hive in" : "made a hive in",
                        printable(status.directory), status.incarnation));
    return ExitCode::ok;
  });
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
  auto* make = add_command(root, "init", "Make a hive, or bring an old one up to date", "triune init ./hive");
  make->add_option("directory", init->directory, "Where; default: the directory of --hive")->type_name("DIR");
  when_chosen(make, line, init, run_init);

  auto* status = add_command(root, "status", "Show the position and where each projection stands", "triune status");
  when_chosen(status, line, std::make_shared<StatusArguments>(), run_status);
}

}  // namespace triune::front
