#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "front/cli/migrate_documents.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

using namespace intake::legacy;

std::string time_text(double microseconds) {
  if (microseconds < 1000) return fmt::format("{:.0f} µs", microseconds);
  return microseconds < 1e6 ? fmt::format("{:.1f} ms", microseconds / 1000)
                            : fmt::format("{:.1f} s", microseconds / 1e6);
}

std::string moment(std::int64_t at_ms) {
  const auto seconds = static_cast<std::time_t>(at_ms / 1000);
  return fmt::format("{:%Y-%m-%d %H:%M:%S}", fmt::gmtime(seconds));
}

std::string differences_of(const TableComparison& table) {
  std::string text;
  for (const auto& one : table.differences) {
    std::string columns;
    for (const auto& column : one.columns) columns += (columns.empty() ? ": " : ", ") + column;
    text += "  " + printable(fmt::format("{} {} row {}{}", table.table, to_string(one.kind), one.row, columns)) + "\n";
  }
  return text;
}

std::string speed_table(const std::vector<SpeedReport>& speeds) {
  RowSet rows{.columns = {"question", "before", "after", "ratio", "promised", "answered by"}, .rows = {}};
  for (const auto& speed : speeds)
    rows.rows.push_back({speed.question, time_text(speed.before_us), time_text(speed.after_us),
                         fmt::format("{:.1f}", speed.ratio()),
                         speed.promised > 0 ? fmt::format("{:.0f}", speed.promised) : std::string(), speed.after});
  return format_table(rows, style_of_output(false));
}

}  // namespace

std::string verification_text(const Verification& verification) {
  std::uint64_t rows = 0;
  std::string text;
  for (const auto& table : verification.tables) {
    rows += table.after.rows;
    if (table.same()) continue;
    text +=
        inked(
            printable(fmt::format("{}: {} before, {} after", table.table, to_text(table.before), to_text(table.after))),
            Ink::red) +
        "\n" + differences_of(table);
  }
  for (const auto& part : verification.parts)
    if (!part.same())
      text +=
          inked(printable(fmt::format("{}: {} before, {} after", part.what, to_text(part.before), to_text(part.after))),
                Ink::red) +
          "\n";
  if (!verification.same()) return text;
  return fmt::format("{} tables with {} rows and {} derived sets compared: no difference\n", verification.tables.size(),
                     grouped(rows), verification.parts.size());
}

std::string apply_text(const ApplyReport& report) {
  if (report.finished_before)
    return fmt::format("this plan was applied before, as migration {}; nothing was changed\n", report.migration);
  std::string text =
      fmt::format("migration {} {}: {} tables, {} rows, {:.1f} s, {} of memory\n", report.migration, report.state,
                  report.tables, grouped(report.rows), report.seconds, byte_size(report.memory_bytes));
  for (const auto& phase : report.phases) text += fmt::format("  {:<8} {:>8.1f} s\n", phase.phase, phase.seconds);
  if (!report.verification.tables.empty()) text += verification_text(report.verification);
  if (!report.speed.empty()) text += "\n" + speed_table(report.speed);
  for (const auto& one : report.left_out)
    text += printable(fmt::format("not migrated: {} {} ({})", one.kind, one.name, one.reason)) + "\n";
  for (const auto& remark : report.remarks) text += printable(remark) + "\n";
  return text;
}

std::string migrations_text(const std::vector<MigrationStatus>& migrations) {
  if (migrations.empty()) return "nothing was migrated into this hive\n";
  std::string text;
  for (const auto& [migration, steps, audit] : migrations) {
    const auto done = std::count_if(steps.begin(), steps.end(), [](const Step& step) { return step.done; });
    text += inked(printable(fmt::format("migration {} of {}: {}", migration.id, migration.source, migration.state)),
                  Ink::bold) +
            fmt::format("\n  approved by {}, {} of {} begun steps done\n", printable(migration.approved_by), done,
                        steps.size());
    for (const auto& step : steps)
      if (!step.done)
        text += printable(fmt::format("  {} {}: {} so far", step.phase, step.item, grouped(step.entities))) + "\n";
    for (const auto& entry : audit)
      text += printable(fmt::format("  {}  {}  {}  {}", moment(entry.at_ms), entry.actor, entry.event, entry.detail)) +
              "\n";
  }
  return text;
}

std::string plan_summary(const Plan& plan, const std::string& file) {
  const auto on = [](const auto& items) {
    return std::count_if(items.begin(), items.end(), [](const auto& item) { return item.apply; });
  };
  std::uint64_t rows = 0;
  for (const auto& table : plan.tables) rows += table.rows;
  std::string text = fmt::format(
      "{} tables with {} rows; turned on: {} of {} edge types, {} vector collections, {} text indexes, {} of {} "
      "missing "
      "indexes, {} views, {} triggers\n",
      plan.tables.size(), grouped(rows), on(plan.edges), plan.edges.size(), on(plan.vectors), on(plan.texts),
      on(plan.indexes), plan.indexes.size(), on(plan.views), on(plan.triggers));
  for (const auto& one : plan.left_out)
    text += printable(fmt::format("not migrated: {} {} ({})", one.kind, one.name, one.reason)) + "\n";
  return text + fmt::format("read and edit {0}, then: triune migrate apply --plan {0} --hive DIR --approved-by NAME\n",
                            printable(file));
}

}  // namespace triune::front
