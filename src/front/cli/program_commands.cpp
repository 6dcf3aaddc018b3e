// bench, version and help: what needs no hive.
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "front/cli/commands.h"
#include "front/cli/json_writer.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

constexpr std::string_view exit_codes = R"(Exit codes:
  0    done
  1    failure: refused input, an unsupported request, corruption, a defect
  2    usage: the command line is wrong; nothing was opened
  3    not found: the hive, or what was named
  4    conflict or drift: the state contradicts the request, or verify found differences
  5    unavailable: owned by another process, or not in time; try again
  130  interrupted with Ctrl-C; the same command goes on where it was stopped
With --json an error is one document on standard error:
  {"error":{"code":…,"message":…,"engine":…,"native_code":…,"retry":"never|safe|outcome_unknown","hint":…}}
)";

struct BenchArguments {
  CLI::App* command = nullptr;
};

/// Becomes the bench program beside this one.
Result<ExitCode> run_bench(const BenchArguments& arguments, const CommandLine&) {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  const auto program = (self.parent_path() / "triune_bench").string();
  if (error || ::access(program.c_str(), X_OK) != 0)
    return failure(ErrorCode::not_found,
                   fmt::format("the bench program {} is not there; `./dev bench` builds and runs it", program));
  std::vector<std::string> texts = arguments.command->remaining();
  texts.insert(texts.begin(), program);
  std::vector<char*> argv;
  for (auto& text : texts) argv.push_back(text.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  return failure(ErrorCode::unavailable, fmt::format("cannot run {}: {}", program, std::strerror(errno)));
}

struct VersionArguments {};

Result<ExitCode> run_version(const VersionArguments&, const CommandLine& line) {
  JsonWriter to;
  to.begin_object().member("name", "triune").member("version", TRIUNE_VERSION).end_object();
  print(line.settings.json ? to.text() + "\n" : fmt::format("triune {}\n", TRIUNE_VERSION));
  return ExitCode::ok;
}

struct HelpArguments {
  CLI::App* root = nullptr;
  std::vector<std::string> topic;
};

Result<ExitCode> run_help(const HelpArguments& arguments, const CommandLine&) {
  if (arguments.topic == std::vector<std::string>{"exit-codes"}) {
    print(exit_codes);
    return ExitCode::ok;
  }
  const CLI::App* command = arguments.root;
  std::string name = "triune";
  for (const auto& word : arguments.topic) {
    const auto named =
        command->get_subcommands([&](const CLI::App* candidate) { return candidate->get_name() == word; });
    if (named.empty()) {
      note(fmt::format("triune: there is no command '{} {}'; see `triune help`", name, word));
      return ExitCode::usage;
    }
    command = named.front();
    name += " " + word;
  }
  // Not command->help(): that explains the command which was chosen, and this is `help`.
  print(command->get_formatter()->make_help(command, name, CLI::AppFormatMode::Normal));
  return ExitCode::ok;
}

}  // namespace

void add_program_commands(CLI::App& root, CommandLine& line) {
  auto bench = std::make_shared<BenchArguments>();
  bench->command = add_command(root, "bench", "Run the benchmarks; what follows is theirs", "triune bench --help");
  bench->command->fallthrough(false)->allow_extras()->set_help_flag();
  when_chosen(bench->command, line, bench, run_bench);

  auto* version = add_command(root, "version", "Print the version", "triune version");
  when_chosen(version, line, std::make_shared<VersionArguments>(), run_version);

  auto help = std::make_shared<HelpArguments>();
  help->root = &root;
  auto* command = add_command(root, "help", "Explain a command, or the exit codes", "triune help load rows");
  command->add_option("topic", help->topic, "A command, or exit-codes")->type_name("COMMAND");
  when_chosen(command, line, help, run_help);
}

}  // namespace triune::front
