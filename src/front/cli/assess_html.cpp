// An assessment as one page: no script, no network, charts as SVG, readable in light and dark.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "front/cli/assess_documents.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

using namespace placement;

constexpr std::string_view head = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Assessment</title><style>
:root{color-scheme:light dark;--ink:#1b1f24;--soft:#667;--line:#dde;--bar:#3b6fb6;--high:#c2571a;--paper:#fff}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa;--line:#334;--bar:#6ea0e0;--high:#e89050;--paper:#15181c}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:62rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.1rem;margin:2rem 0 .5rem}p{color:var(--soft);margin:.2rem 0}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}code{font-size:.9em}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}svg .v{fill:var(--soft)}svg .b{fill:var(--bar)}svg .h{fill:var(--high)}svg .t{stroke:var(--soft);stroke-dasharray:3}
</style></head><body>
)";

std::string escaped(std::string_view text) {
  std::string result;
  for (const char each : text) {
    switch (each) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      case '\'': result += "&#39;"; break;
      default: result += each;
    }
  }
  return result;
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

/// One bar of a chart.
struct Bar {
  std::string label;
  double length = 0;  ///< 0 to 1.
  std::string figure;
  bool high = false;
};

/// Horizontal bars; `threshold` from 0 to 1 draws a line.
std::string chart(const std::vector<Bar>& bars, std::string_view title, double threshold = 0) {
  constexpr int row = 22;
  constexpr int left = 300;
  constexpr int width = 460;
  const auto height = static_cast<int>(bars.size()) * row + 6;
  auto svg =
      fmt::format("<svg role=\"img\" aria-label=\"{}\" viewBox=\"0 0 900 {}\" width=\"100%\">", escaped(title), height);
  int top = 4;
  for (const auto& bar : bars) {
    const double length = std::clamp(std::isfinite(bar.length) ? bar.length : 0.0, 0.0, 1.0) * width;
    const auto label = cut_to_width(bar.label, 44);
    svg += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", left - 8, top + 13, escaped(label));
    svg += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{:.1f}\" height=\"14\" rx=\"2\"/>",
                       bar.high ? "h" : "b", left, top + 1, std::max(length, 1.0));
    svg += fmt::format("<text class=\"v\" x=\"{:.1f}\" y=\"{}\">{}</text>", left + length + 6, top + 13,
                       escaped(bar.figure));
    top += row;
  }
  if (threshold > 0)
    svg += fmt::format("<line class=\"t\" x1=\"{0:.1f}\" x2=\"{0:.1f}\" y1=\"0\" y2=\"{1}\"/>",
                       left + threshold * width, height);
  return svg + "</svg>\n";
}

/// A table whose columns after the first `texts` are figures.
std::string html_table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows,
                       std::size_t texts) {
  const auto kind = [texts](std::size_t column) { return column < texts ? "" : " class=\"n\""; };
  std::string html = "<table><thead><tr>";
  for (std::size_t i = 0; i < header.size(); ++i) html += fmt::format("<th{}>{}</th>", kind(i), escaped(header[i]));
  html += "</tr></thead><tbody>\n";
  for (const auto& row : rows) {
    html += "<tr>";
    for (std::size_t i = 0; i < row.size(); ++i) html += fmt::format("<td{}>{}</td>", kind(i), escaped(row[i]));
    html += "</tr>\n";
  }
  return html + "</tbody></table>\n";
}

std::string section(std::string_view title, const std::string& content) {
  return content.empty() ? std::string() : fmt::format("<h2>{}</h2>\n{}", escaped(title), content);
}

std::string sizes(const Assessment& report) {
  std::vector<const TableReport*> tables;
  for (const auto& table : report.tables)
    if (table.kind == TableReport::Kind::table) tables.push_back(&table);
  std::sort(tables.begin(), tables.end(),
            [](const auto* left, const auto* right) { return left->bytes > right->bytes; });
  if (tables.empty()) return "<p>There are no tables.</p>";
  std::vector<Bar> bars;
  std::vector<std::vector<std::string>> rows;
  const double largest = std::max<double>(1, static_cast<double>(tables.front()->bytes));
  constexpr std::size_t most_bars = 15;
  for (const auto* table : tables) {
    const auto bytes = std::string(table->bytes_measured ? "" : "~") + byte_size(table->bytes);
    if (bars.size() < most_bars) bars.push_back({table->name, static_cast<double>(table->bytes) / largest, bytes});
    rows.push_back({table->name, grouped(table->rows), bytes, std::to_string(table->columns.size()),
                    std::to_string(table->indexes.size())});
  }
  return chart(bars, "Size of the tables") + html_table({"table", "rows", "size", "columns", "indexes"}, rows, 1);
}

std::string missing_indexes(const Assessment& report) {
  std::vector<Bar> bars;
  std::vector<std::vector<std::string>> rows;
  for (const auto& table : report.tables)
    for (const auto& key : table.foreign_keys) {
      if (key.indexed) continue;
      const auto gain = key.gain ? fmt::format("{:.1f} ×", key.gain->ratio()) : key.not_measured;
      rows.push_back({key.create_index, key.declared ? "declared" : "by its values", gain});
      constexpr double most = 4;  // a gain of ten thousand fills the chart
      if (key.gain && key.gain->ratio() > 1)
        bars.push_back({table.name + "." + joined(key.columns), std::log10(key.gain->ratio()) / most, gain, true});
    }
  if (rows.empty()) return {};
  return (bars.empty() ? "" : chart(bars, "Gain of each index (logarithmic)")) +
         html_table({"statement that mends it", "foreign key", "gain measured on a copy"}, rows, 2);
}

std::string relationships(const Assessment& report) {
  std::vector<Bar> bars;
  std::vector<std::vector<std::string>> rows;
  for (const auto& each : report.relationships) {
    const auto& network = each.network;
    const bool graph = network.complexity > graph_threshold;
    bars.push_back({fmt::format("{} ({})", each.edge_type, each.table), network.complexity,
                    fmt::format("{:.2f}{}", network.complexity, graph ? " graph" : ""), graph});
    rows.push_back({fmt::format("{}.{} → {}", each.table, each.from_column, each.to_column),
                    std::string(to_string(each.kind)), grouped(network.nodes), grouped(network.edges),
                    fmt::format("{:.1f}", network.mean_degree), fmt::format("{:.2f}", network.cycles),
                    fmt::format("{:.2f}", network.reach), fmt::format("{:.2f}", network.reciprocity)});
  }
  if (rows.empty()) return {};
  return "<p>Network complexity; from the dashed line on, the graph engine serves the relationship.</p>" +
         chart(bars, "Network complexity", graph_threshold) +
         html_table({"relationship", "kind", "nodes", "edges", "mean degree", "cycles", "reach", "reciprocity"}, rows,
                    2);
}

std::string vectors(const Assessment& report) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& vector : report.vectors)
    rows.push_back({vector.table + "." + vector.column, vector.form, std::to_string(vector.dimension),
                    grouped(vector.count), fmt::format("{:.2f} – {:.2f}", vector.smallest_norm, vector.largest_norm)});
  return rows.empty() ? std::string() : html_table({"column", "form", "dimension", "count", "norms"}, rows, 2);
}

std::string cells(const Assessment& report) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& table : report.tables) {
    for (const auto& key : table.foreign_keys)
      if (key.orphans.value_or(0) > 0)
        rows.push_back({fmt::format("{}.{}", table.name, joined(key.columns)), "no such row in " + key.parent,
                        joined(key.orphan_rows), grouped(*key.orphans)});
    for (const auto& column : table.columns) {
      const auto name = table.name + "." + column.name;
      if (column.violations > 0)
        rows.push_back({name, fmt::format("{}, but not {}", column.declared_type, column.expected),
                        joined(column.violating_rows), grouped(column.violations)});
      if (column.large_json > 0)
        rows.push_back({name, "JSON of more than 100 KB, up to " + byte_size(column.largest_bytes), "",
                        grouped(column.large_json)});
    }
    for (const auto& index : table.indexes)
      if (!index.redundant_with.empty())
        rows.push_back({index.name, fmt::format("{} of {}", index.redundancy, index.redundant_with), index.drop,
                        index.bytes ? byte_size(*index.bytes) : ""});
  }
  return rows.empty() ? std::string() : html_table({"where", "what", "rows or remedy", "count"}, rows, 3);
}

std::string baseline(const Assessment& report) {
  if (report.baseline.empty()) return {};
  auto slowest = report.baseline;
  std::sort(slowest.begin(), slowest.end(),
            [](const auto& left, const auto& right) { return left.median_us > right.median_us; });
  std::vector<Bar> bars;
  std::vector<std::vector<std::string>> rows;
  const double longest = std::log10(std::max(10.0, slowest.front().median_us));
  constexpr std::size_t most_bars = 15;
  for (const auto& each : slowest) {
    const auto name = fmt::format("{} {} {}", each.table, each.query, each.detail);
    const auto time = fmt::format("{}{:.0f} µs", each.stopped ? "> " : "", each.median_us);
    if (bars.size() < most_bars)
      bars.push_back({name, std::log10(std::max(1.0, each.median_us)) / longest, time, each.stopped});
    rows.push_back({each.table, each.query, each.detail, std::to_string(each.samples), time,
                    fmt::format("{:.0f} µs", each.slowest_us)});
  }
  return chart(bars, "Median latency (logarithmic)") +
         html_table({"table", "query", "columns", "samples", "median", "slowest"}, rows, 3);
}

std::string problems(const Assessment& report) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& problem : report.problems) rows.push_back({problem.where, problem.message});
  return rows.empty() ? std::string() : html_table({"where", "why"}, rows, 2);
}

}  // namespace

std::string assessment_page(const Assessment& report) {
  std::string page(head);
  page += fmt::format("<h1>{}</h1>\n<p>{} in {} pages of {} bytes, {} journal{}. Assessed in {:.1f} s within {}.</p>\n",
                      escaped(report.path), byte_size(report.file.file_bytes), grouped(report.file.pages),
                      report.file.page_bytes, report.file.journal, report.file.in_use ? ", in use" : "", report.seconds,
                      byte_size(report.memory_bytes));
  page += section("Tables", sizes(report));
  page += section("Foreign keys without an index", missing_indexes(report));
  page += section("Relationships kept in rows", relationships(report));
  page += section("Vectors", vectors(report));
  page += section("Cells, rows and indexes to mend", cells(report));
  page += section("Typical queries as they are", baseline(report));
  page += section("What could not be looked at", problems(report));
  return page + "</body></html>\n";
}

}  // namespace triune::front
