#include "placement/baseline.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/try.h"
#include "model/sql_text.h"
#include "placement/names.h"
#include "placement/pieces.h"
#include "placement/sample.h"
#include "placement/timing.h"

namespace triune::placement {
namespace {

constexpr std::size_t most_tables = 20;
constexpr std::size_t lookups = 20;
constexpr std::uint64_t fewest_rows = 10;
constexpr auto patience = std::chrono::milliseconds(500);

Status add(Source& source, const TableReport& table, std::string query, std::string detail, std::string_view sql,
           std::span<const std::vector<Value>> parameters, std::vector<LatencyReport>& baseline) {
  const auto timing = time_query(source, sql, parameters, patience);
  if (!timing) return source.note(table.name + ", " + query, timing.error());
  if (timing->samples == 0) return {};
  baseline.push_back({.table = table.name,
                      .query = std::move(query),
                      .detail = std::move(detail),
                      .samples = timing->samples,
                      .median_us = timing->median_us,
                      .slowest_us = timing->slowest_us,
                      .stopped = timing->stopped});
  return {};
}

/// Values of some columns from rows that are near each other when the key is no number, all over the table otherwise.
Result<std::vector<std::vector<Value>>> values_of(Source& source, const TableReport& table,
                                                  const std::vector<std::string>& columns) {
  std::vector<std::vector<Value>> values;
  if (columns.size() == 1) {
    const auto* column = find_column(table, columns[0]);
    if (column != nullptr) {
      TRIUNE_ASSIGN(auto cells, sample_cells(source, table, *column, lookups));
      for (auto& cell : cells) values.push_back({std::move(cell)});
      return values;
    }
  }
  TRIUNE_ASSIGN(auto rows, source.rows(fmt::format("SELECT {} FROM {} LIMIT {}", quoted_list(columns),
                                                   from_table(table), lookups)));
  for (auto& row : rows.rows)
    if (std::none_of(row.begin(), row.end(), is_null)) values.push_back(std::move(row));
  return values;
}

std::string equal(const std::vector<std::string>& columns) {
  std::string text;
  for (std::size_t i = 0; i < columns.size(); ++i)
    text += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", model::quote_identifier(columns[i]), i + 1);
  return text;
}

/// The columns that can be read without functions of the application.
std::string readable(const TableReport& table) {
  std::vector<std::string> names;
  for (const auto& column : table.columns)
    if (!column.generated) names.push_back(column.name);
  return names.empty() ? "1" : quoted_list(names);
}

Status measure_lookups(Source& source, const TableReport& table, std::string query,
                       const std::vector<std::string>& columns, std::vector<LatencyReport>& baseline) {
  const auto values = values_of(source, table, columns);
  if (!values) return source.note(table.name + ", " + query, values.error());
  std::string detail;
  for (const auto& column : columns) detail += (detail.empty() ? "" : ", ") + column;
  const auto sql = fmt::format("SELECT {} FROM {} WHERE {}", readable(table), from_table(table), equal(columns));
  return add(source, table, std::move(query), std::move(detail), sql, *values, baseline);
}

/// Two hops as SQL; of a join table between two kinds of things, from a thing to those that share a tie with it.
std::string two_hops(const TableReport& table, const RelationshipReport& relationship) {
  const auto name = from_table(table);
  const auto from = model::quote_identifier(relationship.from_column);
  const auto to = model::quote_identifier(relationship.to_column);
  if (relationship.kind == RelationshipReport::Kind::self_reference)
    return fmt::format("SELECT b.{1} FROM {2} AS a JOIN {2} AS b ON b.{0} = a.{1} WHERE a.{0} = ?1", from, to, name);
  const bool one_kind = relationship.from_table == relationship.to_table;
  const auto& entry = one_kind ? from : to;
  const auto& exit = one_kind ? to : from;
  return fmt::format("SELECT DISTINCT b.{3} FROM {4} AS a JOIN {4} AS b ON b.{2} = a.{1} WHERE a.{0} = ?1", from, to,
                     entry, exit, name);
}

}  // namespace

Status measure_tables(Source& source, const std::vector<TableReport>& tables, std::vector<LatencyReport>& baseline) {
  std::vector<const TableReport*> largest;
  for (const auto& table : tables)
    if (table.kind == TableReport::Kind::table && table.rows >= fewest_rows) largest.push_back(&table);
  std::sort(largest.begin(), largest.end(),
            [](const auto* left, const auto* right) { return left->bytes > right->bytes; });
  if (largest.size() > most_tables) largest.resize(most_tables);
  for (const auto* table : largest) {
    if (!table->key.empty()) TRIUNE_TRY(measure_lookups(source, *table, "by key", table->key, baseline));
    for (const auto& key : table->foreign_keys)
      TRIUNE_TRY(measure_lookups(source, *table, "by foreign key", key.columns, baseline));
    const std::vector<std::vector<Value>> once(3);
    TRIUNE_TRY(
        add(source, *table, "count", {}, fmt::format("SELECT count(*) FROM {}", from_table(*table)), once, baseline));
  }
  return {};
}

Status measure_hops(Source& source, const std::vector<TableReport>& tables,
                    const std::vector<RelationshipReport>& relationships, std::vector<LatencyReport>& baseline) {
  for (const auto& relationship : relationships) {
    using Kind = RelationshipReport::Kind;
    // Lists in cells cannot be followed by a join.
    if (relationship.kind == Kind::json_list || relationship.kind == Kind::text_list) continue;
    const auto* table = find_table(tables, relationship.table);
    if (table == nullptr) continue;
    const auto values = values_of(source, *table, {relationship.from_column});
    if (!values) {
      TRIUNE_TRY(source.note(table->name + ", two hops", values.error()));
      continue;
    }
    TRIUNE_TRY(add(source, *table, "two hops", relationship.from_column + " → " + relationship.to_column,
                   two_hops(*table, relationship), *values, baseline));
  }
  return {};
}

}  // namespace triune::placement
