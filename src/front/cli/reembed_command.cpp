// collection reembed: a collection's vectors made anew by another model.
#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/interrupt.h"
#include "front/cli/json_writer.h"
#include "front/cli/terminal.h"
#include "runtime/progress_bar.h"
#include "triune/reembedding.h"

namespace triune::front {
namespace {

struct ReembedArguments {
  ReembeddingRequest request;
  bool only_status = false;
  bool abort = false;
  bool no_wait = false;
  std::uint64_t seconds = 3'600;
};

void print_status(const ReembeddingStatus& status, bool finished, const CommandLine& line) {
  if (!line.settings.json) {
    const auto made = status.copied - std::min(status.copied, status.pending);
    print(fmt::format("{}: {} of {} vectors by {} ({} dimensions){}{}\n", printable(status.collection), made,
                      status.vectors, printable(status.embedder), status.dimension,
                      finished ? ", in place" : (status.ready ? ", ready to be put in place" : ""),
                      status.last_error.empty() ? "" : "; last error: " + printable(status.last_error)));
    return;
  }
  JsonWriter to;
  to.begin_object()
      .member("collection", status.collection)
      .member("embedder", status.embedder)
      .member("dimension", std::uint64_t{status.dimension})
      .member("vectors", status.vectors)
      .member("copied", status.copied)
      .member("pending", status.pending)
      .member("last_error", status.last_error)
      .member("ready", status.ready)
      .member("finished", finished);
  print(to.end_object().text() + "\n");
}

Result<ExitCode> make_anew(Reembedding& reembedding, const ReembedArguments& arguments, const CommandLine& line) {
  const ExitsOnInterrupt exits(line.settings.json);
  const auto& collection = arguments.request.collection;
  runtime::ProgressBar progress(progress_mode(line.settings));
  TRIUNE_TRY(reembedding.begin(arguments.request, progress.callback()));
  TRIUNE_TRY(stop_if_interrupted());
  if (arguments.no_wait) {
    progress.finish();
    TRIUNE_ASSIGN(const auto status, reembedding.status(collection));
    print_status(status, false, line);
    return ExitCode::ok;
  }
  const auto deadline = Deadline::after(std::chrono::seconds(arguments.seconds));
  TRIUNE_ASSIGN(const auto status, reembedding.wait(collection, deadline, progress.callback()));
  progress.finish();
  TRIUNE_TRY(reembedding.finish(collection, deadline));
  print_status(status, true, line);
  return ExitCode::ok;
}

Result<ExitCode> run_reembed(const ReembedArguments& arguments, const CommandLine& line) {
  return with_hive(line.settings, {}, [&](Hive& hive) -> Result<ExitCode> {
    Reembedding reembedding(hive);
    if (arguments.abort) {
      TRIUNE_TRY(reembedding.abort(arguments.request.collection));
      print(line.settings.json ? "{\"aborted\":true}\n" : "given up; the collection stays as it is\n");
      return ExitCode::ok;
    }
    if (!arguments.only_status) return make_anew(reembedding, arguments, line);
    TRIUNE_ASSIGN(const auto status, reembedding.status(arguments.request.collection));
    print_status(status, false, line);
    return ExitCode::ok;
  });
}

}  // namespace

void add_reembed_command(CLI::App& collection, CommandLine& line) {
  auto arguments = std::make_shared<ReembedArguments>();
  auto* command = add_command(collection, "reembed", "Make a collection's vectors anew, while it is in use",
                              "triune collection reembed notes --embedder onnx:all-minilm-l6-v2");
  command->add_option("name", arguments->request.collection, "The collection")->required()->type_name("NAME");
  command
      ->add_option("--embedder", arguments->request.embedder,
                   "The other model; without it the same embedder, of which another version is there now")
      ->type_name("NAME");
  command->add_option("--dimension", arguments->request.dimension, "Numbers in each vector; default: the model's own")
      ->type_name("N")
      ->check(CLI::Range(1, 8192).description(""));
  command->add_option("--wait", arguments->seconds, "Give up waiting for the model after so long; run again to go on")
      ->capture_default_str()
      ->type_name("SECONDS");
  command->add_flag("--no-wait", arguments->no_wait, "Begin, and leave the rest to the background and the next call");
  auto* status = command->add_flag("--status", arguments->only_status, "Only say how far it is");
  command->add_flag("--abort", arguments->abort, "Give the newer vectors up")->excludes(status);
  when_chosen(command, line, arguments, run_reembed);
}

}  // namespace triune::front
