// An assessment for people: what there is, then what to mend, each with the statement or the reason.
#include <fmt/format.h>

#include <algorithm>

#include "front/cli/assess_documents.h"
#include "front/cli/table.h"
#include "front/cli/terminal.h"

namespace triune::front {
namespace {

using namespace placement;

/// A terminal shows the first of many findings; the document has all.
constexpr std::size_t most_shown = 12;

class Text {
 public:
  explicit Text(bool wide) : wide_(wide) {}

  void heading(std::string_view title) {
    close();
    text_ += "\n" + inked(title, Ink::bold) + "\n";
  }
  void line(const std::string& text) {
    if (++lines_ <= most_shown || wide_) text_ += "  " + printable(text) + "\n";
  }
  void table(const RowSet& rows) { text_ += format_table(rows, style_of_output(wide_)); }
  void plain(const std::string& text) { text_ += text; }
  std::string take() {
    close();
    return std::move(text_);
  }

 private:
  void close() {
    if (lines_ > most_shown && !wide_) text_ += fmt::format("  … {} more: --wide or --json\n", lines_ - most_shown);
    lines_ = 0;
  }

  bool wide_;
  std::size_t lines_ = 0;
  std::string text_;
};

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

std::string time_text(double microseconds) {
  if (microseconds < 1000) return fmt::format("{:.0f} µs", microseconds);
  return microseconds < 1e6 ? fmt::format("{:.1f} ms", microseconds / 1000)
                            : fmt::format("{:.1f} s", microseconds / 1e6);
}

void add_tables(Text& text, const Assessment& report) {
  RowSet rows{.columns = {"table", "kind", "rows", "bytes", "columns", "indexes"}, .rows = {}};
  for (const auto& table : report.tables) {
    if (table.kind == TableReport::Kind::shadow) continue;
    if (table.kind != TableReport::Kind::table) {
      rows.rows.push_back({table.name, std::string(to_string(table.kind)), Null{}, Null{}, Null{}, Null{}});
      continue;
    }
    rows.rows.push_back({table.name, std::string(to_string(table.kind)), static_cast<std::int64_t>(table.rows),
                         std::string(table.bytes_measured ? "" : "~") + byte_size(table.bytes),
                         static_cast<std::int64_t>(table.columns.size()),
                         static_cast<std::int64_t>(table.indexes.size())});
  }
  text.table(rows);
}

std::string gain_text(const ForeignKeyReport& key) {
  if (!key.gain) return key.not_measured.empty() ? "" : "   -- not measured: " + key.not_measured;
  const auto part = key.gain->sampled ? fmt::format(" on the first {} rows", grouped(key.gain->rows)) : std::string();
  return fmt::format("   -- {:.0f} × faster: {} → {}{}", key.gain->ratio(), time_text(key.gain->before_us),
                     time_text(key.gain->after_us), part);
}

/// Those that gain most come first.
void add_missing_indexes(Text& text, const Assessment& report) {
  std::vector<const ForeignKeyReport*> missing;
  for (const auto& table : report.tables)
    for (const auto& key : table.foreign_keys)
      if (!key.indexed) missing.push_back(&key);
  const auto ratio = [](const ForeignKeyReport* key) { return key->gain ? key->gain->ratio() : 0; };
  std::stable_sort(missing.begin(), missing.end(),
                   [&ratio](const auto* left, const auto* right) { return ratio(left) > ratio(right); });
  text.heading("Foreign keys without an index");
  for (const auto* key : missing) text.line(key->create_index + gain_text(*key));
}

void add_references(Text& text, const Assessment& report) {
  add_missing_indexes(text, report);
  text.heading("Rows whose parent is not there");
  for (const auto& table : report.tables)
    for (const auto& key : table.foreign_keys)
      if (key.orphans.value_or(0) > 0)
        text.line(fmt::format("{}.{} → {}: {} rows, such as {}{}", table.name, joined(key.columns), key.parent,
                              grouped(*key.orphans), joined(key.orphan_rows),
                              key.declared ? "" : " (not declared as a foreign key)"));
}

void add_cells(Text& text, const Assessment& report) {
  text.heading("Cells of another type than declared");
  for (const auto& table : report.tables)
    for (const auto& column : table.columns)
      if (column.violations > 0)
        text.line(fmt::format("{}.{} {}: {} cells are not {}, such as in row {}", table.name, column.name,
                              column.declared_type, grouped(column.violations), column.expected,
                              joined(column.violating_rows)));
  text.heading("JSON of more than 100 KB");
  for (const auto& table : report.tables)
    for (const auto& column : table.columns)
      if (column.large_json > 0)
        text.line(fmt::format("{}.{}: {} documents, the largest {}", table.name, column.name,
                              grouped(column.large_json), byte_size(column.largest_bytes)));
  text.heading("Indexes that another one makes superfluous");
  for (const auto& table : report.tables)
    for (const auto& index : table.indexes)
      if (!index.redundant_with.empty())
        text.line(fmt::format("{}   -- {} of {}{}", index.drop, index.redundancy, index.redundant_with,
                              index.bytes ? ", " + byte_size(*index.bytes) : ""));
}

void add_placement(Text& text, const Assessment& report) {
  auto relationships = report.relationships;
  std::stable_sort(relationships.begin(), relationships.end(), [](const auto& left, const auto& right) {
    return left.network.complexity > right.network.complexity;
  });
  text.heading("Relationships kept in rows");
  for (const auto& each : relationships)
    text.line(fmt::format("{}.{} → {} ({}): {} edges, network complexity {:.2f}{}{}", each.table, each.from_column,
                          each.to_column, to_string(each.kind), grouped(each.network.edges), each.network.complexity,
                          each.network.complexity > graph_threshold ? ": a graph" : "",
                          each.network.sampled ? ", judged by a part" : ""));
  text.heading("Vectors");
  for (const auto& vector : report.vectors)
    text.line(fmt::format("{}.{}: {} of {} dimensions as {}, norms {:.2f} to {:.2f}", vector.table, vector.column,
                          grouped(vector.count), vector.dimension, vector.form, vector.smallest_norm,
                          vector.largest_norm));
}

void add_baseline(Text& text, const Assessment& report) {
  text.heading("The slowest typical queries");
  auto slowest = report.baseline;
  std::sort(slowest.begin(), slowest.end(),
            [](const auto& left, const auto& right) { return left.median_us > right.median_us; });
  constexpr std::size_t most = 6;
  if (slowest.size() > most) slowest.resize(most);
  for (const auto& each : slowest)
    text.line(fmt::format("{} {}{}: {}{}", each.table, each.query, each.detail.empty() ? "" : " " + each.detail,
                          each.stopped ? "more than " : "", time_text(each.median_us)));
  text.heading("What could not be looked at");
  for (const auto& problem : report.problems) text.line(problem.where + ": " + problem.message);
}

/// Without headings that nothing stands under.
std::string without_empty_parts(const std::string& text) {
  std::string result;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto end = std::min(text.find("\n\n", begin), text.size());
    const auto part = text.substr(begin, end - begin);
    const auto first_line = part.find('\n');
    if (begin == 0 || (first_line != std::string::npos && first_line + 1 < part.size()))
      result += (result.empty() ? "" : "\n\n") + part;
    begin = end == text.size() ? end : end + 2;
  }
  return result.ends_with('\n') ? result : result + "\n";
}

}  // namespace

std::string assessment_text(const Assessment& report, bool wide) {
  Text text(wide);
  text.plain(fmt::format("{}: {} in {} tables, {} journal{}\n\n", printable(report.path),
                         byte_size(report.file.file_bytes),
                         std::count_if(report.tables.begin(), report.tables.end(),
                                       [](const auto& table) { return table.kind == TableReport::Kind::table; }),
                         report.file.journal, report.file.in_use ? ", in use" : ""));
  add_tables(text, report);
  add_references(text, report);
  add_cells(text, report);
  add_placement(text, report);
  add_baseline(text, report);
  return without_empty_parts(text.take());
}

std::string decision_text(const Decision& decision) {
  std::string text = inked(printable(decision.name.empty() ? "the data" : decision.name), Ink::bold) +
                     fmt::format(": {} (confidence {:.2f})\n", joined(decision.engines), decision.confidence);
  if (!decision.graph.types.empty())
    for (const auto& type : decision.graph.types)
      text += fmt::format("  graph: {}\n", printable(fmt::format("(:{})-[:{}]->(:{})", type.from, type.type, type.to)));
  if (decision.vector)
    text += fmt::format("  vectors: {} dimensions, {}, {} index\n", decision.vector->dimension, decision.vector->metric,
                        decision.vector->index);
  for (const auto& index : decision.indexes) text += "  " + printable(index) + "\n";
  for (const auto& reason : decision.reasons) text += "  - " + printable(reason) + "\n";
  return text;
}

}  // namespace triune::front
