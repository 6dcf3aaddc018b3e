#include "placement/sample.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "model/sql_text.h"
#include "placement/names.h"
#include "placement/pieces.h"

namespace triune::placement {
namespace {

constexpr std::size_t longest_cell = 128UL * 1024;

/// The smallest and the largest key, when keys are integers.
Result<std::optional<std::pair<std::int64_t, std::int64_t>>> key_range(Source& source, const TableReport& table) {
  std::optional<std::pair<std::int64_t, std::int64_t>> range;
  if (table.key.size() != 1) return range;
  const auto key = model::quote_identifier(table.key[0]);
  TRIUNE_ASSIGN(const Value first, source.cell(fmt::format("SELECT min({}) FROM {}", key, from_table(table))));
  TRIUNE_ASSIGN(const Value last, source.cell(fmt::format("SELECT max({}) FROM {}", key, from_table(table))));
  const auto* smallest = std::get_if<std::int64_t>(&first);
  const auto* largest = std::get_if<std::int64_t>(&last);
  if (smallest != nullptr && largest != nullptr && *smallest <= *largest) range = {*smallest, *largest};
  return range;
}

}  // namespace

Result<std::vector<Value>> sample_cells(Source& source, const TableReport& table, const ColumnReport& column,
                                        std::size_t count) {
  std::vector<Value> cells;
  const std::uint64_t there = column.integers + column.reals + column.texts + column.blobs;
  if (there == 0) return cells;
  const auto name = model::quote_identifier(column.name);
  const auto wanted = fmt::format("{0} IS NOT NULL AND octet_length({0}) <= {1}", name, longest_cell);
  std::optional<std::pair<std::int64_t, std::int64_t>> range;
  // Looking for the next cell of a column that is nearly empty would read far.
  constexpr std::uint64_t dense = 20;
  if (table.rows > count && there * dense >= table.rows) {
    TRIUNE_ASSIGN(range, key_range(source, table));
  }
  if (!range) {
    TRIUNE_ASSIGN(auto found, source.rows(fmt::format("SELECT {} FROM {} WHERE {} LIMIT {}", name, from_table(table),
                                                      wanted, count)));
    for (auto& row : found.rows) cells.push_back(std::move(row.front()));
    return cells;
  }
  const auto key = model::quote_identifier(table.key[0]);
  const auto sql = fmt::format("SELECT {0}, {1} FROM {2} WHERE {0} >= ?1 AND {3} ORDER BY {0} LIMIT 1", key, name,
                               from_table(table), wanted);
  const auto width = static_cast<std::uint64_t>(range->second) - static_cast<std::uint64_t>(range->first);
  std::optional<Value> before;
  for (std::size_t i = 0; i < count; ++i) {
    const auto offset =
        static_cast<std::uint64_t>(static_cast<double>(width) * static_cast<double>(i) / static_cast<double>(count));
    const Value from = static_cast<std::int64_t>(static_cast<std::uint64_t>(range->first) + offset);
    TRIUNE_ASSIGN(auto found, source.rows(sql, {&from, 1}, 1));
    if (found.rows.empty()) break;
    if (before && *before == found.rows[0][0]) continue;
    before = std::move(found.rows[0][0]);
    cells.push_back(std::move(found.rows[0][1]));
  }
  return cells;
}

Result<double> share_contained(Source& source, std::span<const Value> values, const TableReport& table,
                               std::string_view column, std::size_t most) {
  if (values.empty()) return 0.0;
  const auto sql =
      fmt::format("SELECT 1 FROM {} WHERE {} = ?1 LIMIT 1", from_table(table), model::quote_identifier(column));
  const std::size_t step = std::max<std::size_t>(1, values.size() / most);
  std::size_t looked = 0;
  std::size_t found = 0;
  for (std::size_t i = 0; i < values.size(); i += step) {
    TRIUNE_ASSIGN(const auto rows, source.rows(sql, {&values[i], 1}, 1));
    ++looked;
    found += rows.rows.size();
  }
  return static_cast<double>(found) / static_cast<double>(looked);
}

std::string key_column(const TableReport& table) {
  if (table.kind != TableReport::Kind::table) return {};
  if (table.key.size() == 1 && find_column(table, table.key[0]) != nullptr) return table.key[0];
  for (const auto& index : table.indexes)
    if (index.origin == "primary key" && index.columns.size() == 1) return index.columns[0];
  return {};
}

}  // namespace triune::placement
