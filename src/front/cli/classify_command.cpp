// classify: which engines serve some data, and why.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/assess_documents.h"
#include "front/cli/assess_options.h"
#include "front/cli/classify_sample.h"
#include "front/cli/commands.h"
#include "front/cli/interrupt.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

struct ClassifyArguments {
  std::string database;
  std::string table;
  std::string sample;
  std::string characteristics;
  std::optional<double> multi_hop_share;
  CLI::Option* deadline = nullptr;
};

Result<std::vector<placement::Characteristics>> characteristics_of(const ClassifyArguments& arguments,
                                                                   const Settings& settings) {
  if (!arguments.characteristics.empty()) {
    TRIUNE_ASSIGN(auto data, placement::parse_characteristics(arguments.characteristics));
    return std::vector{std::move(data)};
  }
  if (!arguments.sample.empty()) {
    TRIUNE_ASSIGN(auto data, characteristics_of_sample(arguments.sample, arguments.multi_hop_share));
    return std::vector{std::move(data)};
  }
  TRIUNE_ASSIGN(const auto report, assess_file(arguments.database, settings, arguments.deadline->count() > 0,
                                               [&arguments](placement::AssessOptions& options) {
                                                 options.table = arguments.table;
                                                 options.measure = false;
                                                 options.multi_hop_share = arguments.multi_hop_share;
                                               }));
  return placement::characteristics_of(report, arguments.table);
}

Result<ExitCode> run_classify(const ClassifyArguments& arguments, const CommandLine& line) {
  const int given = (arguments.database.empty() ? 0 : 1) + (arguments.sample.empty() ? 0 : 1) +
                    (arguments.characteristics.empty() ? 0 : 1);
  if (given != 1) {
    note("triune: classify takes one of FILE, --sample and --characteristics; see `triune classify --help`");
    return ExitCode::usage;
  }
  const CaughtInterrupts caught;
  TRIUNE_ASSIGN(const auto all, characteristics_of(arguments, line.settings));
  JsonWriter to;
  std::string text;
  to.begin_object().key("decisions").begin_array();
  for (const auto& data : all) {
    const auto decision = placement::classify(data);
    write_decision(to, decision);
    text += decision_text(decision);
  }
  to.end_array().end_object();
  print(line.settings.json ? to.text() + "\n" : text);
  return ExitCode::ok;
}

}  // namespace

void add_classify_command(CLI::App& root, CommandLine& line) {
  auto arguments = std::make_shared<ClassifyArguments>();
  auto* command = add_command(root, "classify", "Say which engines serve some data, how, and why",
                              "triune classify app.db --table friendships");
  command->add_option("file", arguments->database, "A SQLite database; it is only read")->type_name("FILE");
  command->add_option("--table", arguments->table, "Only this table of it")->type_name("NAME");
  command->add_option("--sample", arguments->sample, "Classify the rows of a CSV or JSON lines file")
      ->type_name("FILE");
  command->add_option("--characteristics", arguments->characteristics, "Classify what a JSON object describes")
      ->type_name("JSON");
  command
      ->add_option("--multi-hop-share", arguments->multi_hop_share, "Share of the queries that follow two hops or more")
      ->type_name("0..1")
      ->check(CLI::Range(0.0, 1.0).description(""));
  arguments->deadline = root.get_option("--deadline");
  when_chosen(command, line, arguments, run_classify);
}

}  // namespace triune::front
