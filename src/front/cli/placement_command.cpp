// placement: recorded decisions about collections, and the routes that queries took.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/placement_documents.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

struct NoArguments {};

struct ExplainArguments {
  std::string name;
};

/// What a command looks at moves no projection.
Opening looking() {
  return {.create = false, .project_in_background = false};
}

Result<ExitCode> run_list(const NoArguments&, const CommandLine& line) {
  return with_hive(line.settings, looking(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const PlacementList list, hive.placements());
    if (!line.settings.json) {
      print(placements_text(list, line.settings.wide));
      return ExitCode::ok;
    }
    JsonWriter to;
    to.begin_object().key("placements").begin_array();
    for (const auto& one : list.placements) write_placement(to, one);
    to.end_array().member("decisions", list.decisions).key("totals");
    write_route_counts(to, list.totals);
    to.key("routes");
    write_routes(to, list.routes);
    print(to.end_object().text() + "\n");
    return ExitCode::ok;
  });
}

Result<ExitCode> run_explain(const ExplainArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, looking(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const PlacementExplanation explanation, hive.explain_placement(arguments.name));
    if (!line.settings.json) {
      print(explanation_text(explanation, line.settings.wide));
      return ExitCode::ok;
    }
    JsonWriter to;
    to.begin_object().key("current");
    write_placement(to, explanation.current);
    to.key("history").begin_array();
    for (const auto& one : explanation.history) write_placement(to, one);
    to.end_array().key("routes");
    write_routes(to, explanation.routes);
    print(to.end_object().text() + "\n");
    return ExitCode::ok;
  });
}

struct ReviewArguments {
  std::uint64_t vector_memory = HiveOptions().vector_memory_bytes >> 20U;
};

Result<ExitCode> run_review(const ReviewArguments& arguments, const CommandLine& line) {
  auto opening = looking();
  opening.vector_memory_bytes = arguments.vector_memory << 20U;
  return with_hive(line.settings, opening, [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto changed, hive.review_placements());
    JsonWriter to;
    std::string text = changed.empty() ? "every decision stands\n" : "";
    to.begin_object().key("changed").begin_array();
    for (const auto& one : changed) {
      write_placement(to, one);
      text += placement_text(one);
    }
    to.end_array().end_object();
    print(line.settings.json ? to.text() + "\n" : text);
    return ExitCode::ok;
  });
}

struct CreateArguments {
  std::string characteristics;
  std::string file;
};

Result<ExitCode> run_create(const CreateArguments& arguments, const CommandLine& line) {
  if (arguments.characteristics.empty() == arguments.file.empty()) {
    note("triune: placement create takes one of --characteristics and --file; see `triune placement create --help`");
    return ExitCode::usage;
  }
  TRIUNE_ASSIGN(const std::string json, read_statement(arguments.characteristics, arguments.file));
  TRIUNE_ASSIGN(const auto characteristics, parse_data_characteristics(json));
  return with_hive(line.settings, looking(), [&](Hive& hive) -> Result<ExitCode> {
    TRIUNE_ASSIGN(const auto storage, create_optimal_storage(hive, characteristics));
    if (!line.settings.json) {
      print(storage_text(storage));
      return ExitCode::ok;
    }
    JsonWriter to;
    write_storage(to, storage);
    print(to.text() + "\n");
    return ExitCode::ok;
  });
}

void add_create(CLI::App& placement, CommandLine& line) {
  auto arguments = std::make_shared<CreateArguments>();
  auto* create = add_command(placement, "create", "Make a store that suits some data, and say how to use it",
                             "triune placement create --characteristics '{\"name\":\"notes\",\"columns\":"
                             "[{\"name\":\"body\",\"prose\":true}],\"vectors\":[{\"dimension\":384}]}'");
  create
      ->add_option("--characteristics", arguments->characteristics, "What is known of the data; - reads standard input")
      ->type_name("JSON");
  create->add_option("--file", arguments->file, "The same from a file")->type_name("FILE");
  when_chosen(create, line, arguments, run_create);
}

}  // namespace

void add_placement_command(CLI::App& root, CommandLine& line) {
  auto* placement = add_command(root, "placement", "Show where collections are and why, and which engines answered",
                                "triune placement list");
  placement->require_subcommand(1);
  auto* list = add_command(*placement, "list", "List the decisions about all collections, and the routes taken",
                           "triune placement list --json");
  when_chosen(list, line, std::make_shared<NoArguments>(), run_list);

  auto explain_arguments = std::make_shared<ExplainArguments>();
  auto* explain = add_command(*placement, "explain", "Say why a collection is where it is, and what it was before",
                              "triune placement explain KNOWS\n  triune placement explain vector:memories --json");
  explain->add_option("name", explain_arguments->name, "Of the collection, or KIND:NAME")
      ->required()
      ->type_name("NAME");
  when_chosen(explain, line, explain_arguments, run_explain);

  add_create(*placement, line);

  auto* review = add_command(*placement, "review", "Measure every collection and record decisions that changed",
                             "triune placement review");
  auto reviewed = std::make_shared<ReviewArguments>();
  review
      ->add_option("--vector-memory", reviewed->vector_memory,
                   "What a collection's vectors may take of memory before LanceDB is advised")
      ->capture_default_str()
      ->type_name("MB");
  when_chosen(review, line, reviewed, run_review);
}

}  // namespace triune::front
