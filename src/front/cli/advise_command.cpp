// advise: what to add or drop, from the recorded workload.
#include <fmt/format.h>

#include "base/try.h"
#include "front/cli/commands.h"
#include "front/cli/interrupt.h"
#include "front/cli/json_writer.h"
#include "front/cli/terminal.h"
#include "triune/placement.h"

namespace triune::front {
namespace {

struct AdviseArguments {};

void write_advice(JsonWriter& to, const Advice& advice) {
  to.begin_object()
      .member("kind", advice.kind)
      .member("subject", advice.subject)
      .member("statement", advice.statement)
      .member("reason", advice.reason)
      .member("shape", advice.shape)
      .member("calls", advice.calls)
      .member("measured", advice.measured)
      .key("before_us");
  advice.measured ? to.value(advice.before_us) : to.raw("null");
  to.key("after_us");
  advice.measured ? to.value(advice.after_us) : to.raw("null");
  to.member("rows", advice.rows).member("not_measured", advice.not_measured).end_object();
}

std::string advise_document(const AdviceReport& report) {
  JsonWriter to;
  to.begin_object()
      .member("statements", report.statements)
      .member("shapes", report.shapes)
      .member("since_ms", report.since_ms)
      .key("advice")
      .begin_array();
  for (const auto& one : report.advice) write_advice(to, one);
  return to.end_array().end_object().text();
}

std::string measured_text(const Advice& advice) {
  if (!advice.measured) return fmt::format("  not measured: {}\n", printable(advice.not_measured));
  const double ratio = advice.after_us > 0 ? advice.before_us / advice.after_us : 0;
  if (advice.kind == "drop_index")
    return fmt::format("  measured on a copy: writing a row takes {:.2f} µs with it and {:.2f} µs without\n",
                       advice.before_us, advice.after_us);
  return fmt::format("  measured on a copy of {} rows: {:.3g} ms before, {:.3g} ms after ({:.1f} times)\n",
                     grouped(advice.rows), advice.before_us / 1000, advice.after_us / 1000, ratio);
}

std::string advise_text(const AdviceReport& report) {
  std::string text = fmt::format("{} reads of {} shapes were recorded\n", grouped(report.statements), report.shapes);
  if (report.advice.empty()) return text + "nothing to add or to drop\n";
  for (const auto& one : report.advice) {
    text += fmt::format("\n{} {}: {}\n", one.kind, printable(one.subject), printable(one.reason));
    if (!one.statement.empty()) text += fmt::format("  {}\n", printable(one.statement));
    text += measured_text(one);
    if (!one.shape.empty()) text += fmt::format("  for {}\n", printable(one.shape));
  }
  return text;
}

Result<ExitCode> run_advise(const AdviseArguments&, const CommandLine& line) {
  const CaughtInterrupts caught;
  return with_hive(line.settings, {.create = false, .project_in_background = false},
                   [&](Hive& hive) -> Result<ExitCode> {
                     TRIUNE_ASSIGN(const AdviceReport report, hive.advise(deadline_of(line.settings)));
                     print(line.settings.json ? advise_document(report) + "\n" : advise_text(report));
                     return ExitCode::ok;
                   });
}

}  // namespace

void add_advise_command(CLI::App& root, CommandLine& line) {
  auto* command = add_command(root, "advise", "Say what to add or drop, from the reads that were recorded",
                              "triune advise\n  triune advise --json --deadline 120");
  when_chosen(command, line, std::make_shared<AdviseArguments>(), run_advise);
}

}  // namespace triune::front
