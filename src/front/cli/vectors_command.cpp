// vectors move: a collection goes over to another vector engine.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/interrupt.h"
#include "front/cli/json_writer.h"
#include "front/cli/terminal.h"
#include "runtime/progress_bar.h"

namespace triune::front {
namespace {

struct MoveArguments {
  std::string collection;
  std::string engine;
  bool abort = false;
  std::uint64_t seconds = 3'600;
};

Result<ExitCode> abort_move(Hive& hive, const MoveArguments& arguments, const CommandLine& line) {
  TRIUNE_TRY(hive.abort_vector_move(arguments.collection));
  print(line.settings.json ? "{\"aborted\":true}\n" : "given up; the collection stays where it is\n");
  return ExitCode::ok;
}

Result<ExitCode> run_move(const MoveArguments& arguments, const CommandLine& line) {
  if (arguments.abort == !arguments.engine.empty())
    return failure(ErrorCode::invalid_argument, "say where to: --to usearch or --to lancedb; or --abort");
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    if (arguments.abort) return abort_move(hive, arguments, line);
    const ExitsOnInterrupt exits(line.settings.json);
    runtime::ProgressBar progress(progress_mode(line.settings));
    const auto deadline = Deadline::after(std::chrono::seconds(arguments.seconds));
    TRIUNE_ASSIGN(const VectorMove moved,
                  hive.move_vectors(arguments.collection, arguments.engine, deadline, progress.callback()));
    progress.finish();
    if (!line.settings.json) {
      print(fmt::format("{}: {} vectors are searched in {} now, no more in {}\n", printable(moved.collection),
                        moved.vectors, moved.to, moved.from));
      return ExitCode::ok;
    }
    JsonWriter to;
    to.begin_object()
        .member("collection", moved.collection)
        .member("from", moved.from)
        .member("to", moved.to)
        .member("vectors", moved.vectors)
        .member("resumed", moved.resumed);
    print(to.end_object().text() + "\n");
    return ExitCode::ok;
  });
}

}  // namespace

void add_vectors_command(CLI::App& root, CommandLine& line) {
  auto* parent = add_command(root, "vectors", "Where vectors are searched", "triune vectors move notes --to lancedb");
  parent->require_subcommand(1);
  auto arguments = std::make_shared<MoveArguments>();
  auto* command = add_command(*parent, "move", "Take a collection to another vector engine, while it is in use",
                              "triune vectors move notes --to lancedb");
  command->add_option("collection", arguments->collection, "The collection")->required()->type_name("NAME");
  auto* to =
      command->add_option("--to", arguments->engine, "The engine; run it again to go on where it was interrupted")
          ->type_name("lancedb|usearch");
  command->add_flag("--abort", arguments->abort, "Give up a move that was interrupted")->excludes(to);
  command->add_option("--wait", arguments->seconds, "Give up waiting after so long; run again to go on")
      ->capture_default_str()
      ->type_name("SECONDS");
  when_chosen(command, line, arguments, run_move);
}

}  // namespace triune::front
