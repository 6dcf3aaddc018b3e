#include "front/cli/table.h"

#include <algorithm>
#include <numeric>
#include <string_view>
#include <vector>

#include "front/cli/terminal.h"

namespace triune::front {
namespace {

constexpr std::size_t gap = 2;
constexpr std::size_t narrowest = 8;
// A longer cell sticks out instead of padding all others: one megabyte in one row must not become one in each.
constexpr std::size_t widest_padding = 80;

struct Column {
  std::size_t width = 0;
  bool to_the_right = true;
};

bool is_number(const Value& value) {
  return std::holds_alternative<std::int64_t>(value) || std::holds_alternative<double>(value);
}

/// Takes width from the widest columns until the line fits.
void fit(std::vector<Column>& columns, std::size_t available) {
  auto total = std::accumulate(columns.begin(), columns.end(), std::size_t{0},
                               [](std::size_t sum, const Column& column) { return sum + column.width + gap; });
  while (total > available + gap) {
    auto widest = std::ranges::max_element(columns, {}, &Column::width);
    if (widest->width <= narrowest) return;
    --widest->width;
    --total;
  }
}

std::vector<Column> measure(const RowSet& rows, const std::vector<std::vector<std::string>>& cells,
                            const TableStyle& style) {
  std::vector<Column> columns(rows.columns.size());
  for (std::size_t c = 0; c < columns.size(); ++c) {
    columns[c].width = display_width(printable(rows.columns[c]));
    for (std::size_t r = 0; r < cells.size(); ++r) {
      const auto width = display_width(cells[r][c]);
      if (style.columns > 0 || width <= widest_padding) columns[c].width = std::max(columns[c].width, width);
      if (!is_null(rows.rows[r][c]) && !is_number(rows.rows[r][c])) columns[c].to_the_right = false;
    }
    if (cells.empty()) columns[c].to_the_right = false;
  }
  if (style.columns > 0) fit(columns, style.columns);
  return columns;
}

void append_line(std::string& text, const std::vector<std::string>& cells, const std::vector<Column>& columns,
                 bool cut) {
  std::string line;
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::string cell = cut ? cut_to_width(cells[c], columns[c].width) : cells[c];
    const auto width = display_width(cell);
    const auto padding = width < columns[c].width ? columns[c].width - width : 0;
    if (columns[c].to_the_right) line.append(padding, ' ');
    line += cell;
    if (!columns[c].to_the_right) line.append(padding, ' ');
    if (c + 1 < columns.size()) line.append(gap, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  text += line;
  text += '\n';
}

void append_rule(std::string& text, const std::vector<Column>& columns) {
  for (std::size_t c = 0; c < columns.size(); ++c) {
    for (std::size_t i = 0; i < columns[c].width; ++i) text += "─";
    if (c + 1 < columns.size()) text.append(gap, ' ');
  }
  text += '\n';
}

}  // namespace

TableStyle style_of_output(bool wide) {
  return {.columns = wide ? 0 : terminal_columns(), .bold_header = output_is_terminal()};
}

std::string format_table(const RowSet& rows, const TableStyle& style) {
  std::vector<std::vector<std::string>> cells;
  cells.reserve(rows.rows.size());
  for (const auto& row : rows.rows) {
    auto& line = cells.emplace_back();
    for (const auto& value : row) line.push_back(printable(to_text(value)));
  }
  const auto columns = measure(rows, cells, style);
  std::vector<std::string> names;
  for (const auto& name : rows.columns) names.push_back(printable(name));
  std::string header;
  append_line(header, names, columns, style.columns > 0);
  if (style.bold_header) header = inked(header.substr(0, header.size() - 1), Ink::bold) + "\n";
  std::string text = header;
  append_rule(text, columns);
  for (const auto& line : cells) append_line(text, line, columns, style.columns > 0);
  return text;
}

}  // namespace triune::front
