// assess: what is in a database of another program, and what to mend.
#include <fmt/format.h>

#include "adapters/builtin.h"
#include "base/file.h"
#include "base/try.h"
#include "front/cli/assess_documents.h"
#include "front/cli/assess_options.h"
#include "front/cli/commands.h"
#include "front/cli/interrupt.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

/// A large file takes longer than an everyday call may.
constexpr double default_deadline_seconds = 1800;

struct AssessArguments {
  std::string path;
  std::string table;
  std::string page;
  bool skip_measuring = false;
  CLI::Option* deadline = nullptr;
};

Status write_page(const std::string& path, const std::string& page) {
  auto written = base::write_durably(path, base::as_bytes(page));
  if (!written) written.error().message = "cannot write the page: " + written.error().message;
  return written;
}

Result<ExitCode> run_assess(const AssessArguments& arguments, const CommandLine& line) {
  const CaughtInterrupts caught;
  TRIUNE_ASSIGN(const auto report, assess_file(arguments.path, line.settings, arguments.deadline->count() > 0,
                                               [&arguments](placement::AssessOptions& options) {
                                                 options.table = arguments.table;
                                                 options.measure = !arguments.skip_measuring;
                                               }));
  if (!arguments.page.empty()) TRIUNE_TRY(write_page(arguments.page, assessment_page(report)));
  print(line.settings.json ? assessment_document(report) + "\n" : assessment_text(report, line.settings.wide));
  return ExitCode::ok;
}

}  // namespace

Result<placement::Assessment> assess_file(const std::string& path, const Settings& settings, bool bounded,
                                          const std::function<void(placement::AssessOptions&)>& adjust) {
  runtime::ProgressBar bar(progress_mode(settings));
  placement::AssessOptions options;
  const double seconds = bounded ? settings.deadline_seconds : default_deadline_seconds;
  options.deadline = Deadline::after(std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000)));
  options.cancelled = [] { return interrupted(); };
  options.progress = [&bar](std::string_view stage, std::uint64_t done, std::uint64_t total) {
    bar.update(stage, done, total);
  };
  adjust(options);
  auto report = placement::assess(adapters::builtin(), path, options);
  bar.finish();
  return report;
}

void add_assess_command(CLI::App& root, CommandLine& line) {
  auto arguments = std::make_shared<AssessArguments>();
  auto* command = add_command(root, "assess", "Look through a SQLite database of another program; it is never changed",
                              "triune assess app.db --html report.html");
  command->add_option("file", arguments->path, "The database")->required()->type_name("FILE");
  command->add_option("--table", arguments->table, "Only this table")->type_name("NAME");
  command->add_option("--html", arguments->page, "Also write a page with charts")->type_name("FILE");
  command->add_flag("--no-measure", arguments->skip_measuring, "Measure no gains and no latencies");
  arguments->deadline = root.get_option("--deadline");
  when_chosen(command, line, arguments, run_assess);
}

}  // namespace triune::front
