// The report of a migration as a page for a browser.
#include <fmt/format.h>

#include <algorithm>

#include "front/cli/migrate_documents.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

using namespace intake::legacy;

constexpr std::string_view head =
    "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Migration</title><style>"
    "body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}"
    "table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd}"
    "td.n{text-align:right;white-space:nowrap}.bar{height:.7rem;background:#c33}.after{background:#2a7}.bad{color:#c33}"
    "@media(prefers-color-scheme:dark){body{background:#181818;color:#ddd}th,td{border-color:#444}}"
    "</style></head><body>";

std::string escaped(std::string_view text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '<')
      safe += "&lt;";
    else if (letter == '&')
      safe += "&amp;";
    else if (letter == '"')
      safe += "&quot;";
    else
      safe += letter;
  }
  return safe;
}

std::string bar(double microseconds, double longest, std::string_view kind) {
  const double width = longest > 0 ? std::max(0.5, 100 * microseconds / longest) : 0;
  return fmt::format("<div class=\"bar {}\" style=\"width:{:.1f}%\"></div>", kind, width);
}

std::string speed_rows(const std::vector<SpeedReport>& speeds) {
  std::string text;
  for (const auto& speed : speeds) {
    const double longest = std::max(speed.before_us, speed.after_us);
    text += fmt::format(
        "<tr><td>{}<br><small>{} → {}</small></td><td class=\"n\">{:.0f} µs</td><td class=\"n\">{:.0f} µs</td>"
        "<td class=\"n\">{:.1f}×</td><td style=\"width:30%\">{}{}</td></tr>",
        escaped(speed.question), escaped(speed.before), escaped(speed.after), speed.before_us, speed.after_us,
        speed.ratio(), bar(speed.before_us, longest, ""), bar(speed.after_us, longest, "after"));
  }
  return text;
}

std::string table_rows(const Verification& verification) {
  std::string text;
  const auto row = [&](const std::string& name, const TableDigest& before, const TableDigest& after, bool same) {
    text += fmt::format("<tr{}><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td><code>{}</code></td></tr>",
                        same ? "" : " class=\"bad\"", escaped(name), grouped(before.rows), grouped(after.rows),
                        same ? "same" : "different");
  };
  for (const auto& table : verification.tables) row(table.table, table.before, table.after, table.same());
  for (const auto& part : verification.parts) row(part.what, part.before, part.after, part.same());
  return text;
}

}  // namespace

std::string apply_page(const ApplyReport& report) {
  std::string text(head);
  text += fmt::format("<h1>Migration {}: {}</h1><p>{} tables, {} rows, {:.1f} s, {} of memory.</p>", report.migration,
                      escaped(report.state), report.tables, grouped(report.rows), report.seconds,
                      byte_size(report.memory_bytes));
  text +=
      "<h2>The same questions before and after</h2><table><tr><th>question</th><th>before</th><th>after</th>"
      "<th>ratio</th><th></th></tr>" +
      speed_rows(report.speed) + "</table>";
  text += "<h2>Both sides compared</h2><table><tr><th>what</th><th>before</th><th>after</th><th></th></tr>" +
          table_rows(report.verification) + "</table>";
  if (!report.left_out.empty() || !report.remarks.empty()) text += "<h2>Not migrated, and remarks</h2><ul>";
  for (const auto& one : report.left_out)
    text += fmt::format("<li>{} {}: {}</li>", escaped(one.kind), escaped(one.name), escaped(one.reason));
  for (const auto& remark : report.remarks) text += fmt::format("<li>{}</li>", escaped(remark));
  if (!report.left_out.empty() || !report.remarks.empty()) text += "</ul>";
  return text + "</body></html>\n";
}

}  // namespace triune::front
