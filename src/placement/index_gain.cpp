// What a missing index would do, measured on a copy of the table.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/try.h"
#include "model/sql_text.h"
#include "placement/names.h"
#include "placement/pieces.h"
#include "placement/references.h"
#include "placement/timing.h"

namespace triune::placement {
namespace {

constexpr std::uint64_t fewest_rows = 100;
constexpr std::size_t lookups = 15;
constexpr auto patience = std::chrono::milliseconds(1500);
constexpr std::string_view copy = "\"temp\".\"triune_assessment_copy\"";

/// What a column is called in the copy: names of the application might hide the rowid.
std::string copied_name(const TableReport& table, std::string_view name) {
  const auto* column = find_column(table, name);
  return column == nullptr ? "NULL" : fmt::format("c{}", column - table.columns.data());
}

std::string copied_names(const TableReport& table, const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + copied_name(table, name);
  return text;
}

/// Drops the copy when the measuring ends, however it does.
class Copy {
 public:
  explicit Copy(Source& source) : source_(source) {}
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() { static_cast<void>(source_.scratch(fmt::format("DROP TABLE IF EXISTS {}", copy))); }

  /// Copies rows in the order of their keys until `copy_bytes` are there.
  Status fill(const TableReport& table) {
    std::string columns;
    for (const auto& column : table.columns)
      if (!column.generated)
        columns += fmt::format("{}{} AS {}", columns.empty() ? "" : ", ", model::quote_identifier(column.name),
                               copied_name(table, column.name));
    TRIUNE_TRY(source_.scratch(fmt::format("DROP TABLE IF EXISTS {}", copy)));
    TRIUNE_TRY(source_.scratch(fmt::format(
        "CREATE TEMP TABLE \"triune_assessment_copy\" AS SELECT {} FROM {} WHERE FALSE", columns, from_table(table))));
    const auto bytes_of_a_row = std::max<std::uint64_t>(1, table.bytes / std::max<std::uint64_t>(1, table.rows));
    const auto most_rows = source_.options().copy_bytes / bytes_of_a_row;
    Pieces pieces(source_, table, std::max<std::size_t>(100, std::min<std::size_t>(most_rows / 8, 20'000)));
    while (rows_ < most_rows) {
      TRIUNE_ASSIGN(const auto piece, pieces.next());
      if (!piece) break;
      TRIUNE_TRY(source_.scratch(
          fmt::format("INSERT INTO {} SELECT {} FROM {} WHERE {}", copy, columns, from_table(table), piece->condition),
          piece->parameters));
      TRIUNE_ASSIGN(const auto rows, source_.number(fmt::format("SELECT max(rowid) FROM {}", copy)));
      rows_ = static_cast<std::uint64_t>(rows);
    }
    return {};
  }
  [[nodiscard]] std::uint64_t rows() const { return rows_; }

 private:
  Source& source_;
  std::uint64_t rows_ = 0;
};

/// Values of the key from all over the copy.
Result<std::vector<std::vector<Value>>> values_to_find(Source& source, const TableReport& table,
                                                       const ForeignKeyReport& key, std::uint64_t rows) {
  std::vector<std::vector<Value>> values;
  const auto sql = fmt::format("SELECT {} FROM {} WHERE rowid = ?1", copied_names(table, key.columns), copy);
  for (std::size_t i = 0; i < lookups; ++i) {
    const Value row = static_cast<std::int64_t>(1 + rows * i / lookups);
    TRIUNE_ASSIGN(auto found, source.rows(sql, {&row, 1}, 1));
    if (!found.rows.empty() && std::none_of(found.rows[0].begin(), found.rows[0].end(), is_null))
      values.push_back(std::move(found.rows[0]));
  }
  return values;
}

/// A query that needs the rows themselves, as an application does, and not only the index.
std::string find_rows(const TableReport& table, const ForeignKeyReport& key) {
  std::string wanted = "*";
  for (const auto& column : table.columns) {
    const bool of_key = std::any_of(key.columns.begin(), key.columns.end(),
                                    [&column](const auto& name) { return same_name(name, column.name); });
    if (!of_key && !column.generated) wanted = copied_name(table, column.name);
  }
  std::string equal;
  for (std::size_t i = 0; i < key.columns.size(); ++i)
    equal += fmt::format("{}{} = ?{}", i == 0 ? "" : " AND ", copied_name(table, key.columns[i]), i + 1);
  return fmt::format("SELECT count({}) FROM {} WHERE {}", wanted, copy, equal);
}

Status measure_one(Source& source, const TableReport& table, std::uint64_t rows, ForeignKeyReport& key) {
  TRIUNE_ASSIGN(const auto values, values_to_find(source, table, key, rows));
  if (values.empty()) {
    key.not_measured = "the columns hold nothing";
    return {};
  }
  const auto sql = find_rows(table, key);
  TRIUNE_ASSIGN(const auto before, time_query(source, sql, values, patience));
  const auto begin = std::chrono::steady_clock::now();
  TRIUNE_TRY(
      source.scratch(fmt::format("CREATE INDEX \"temp\".\"triune_assessment_index\" ON \"triune_assessment_copy\" ({})",
                                 copied_names(table, key.columns))));
  const double build = std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  const auto after = time_query(source, sql, values, patience);
  TRIUNE_TRY(source.scratch("DROP INDEX \"temp\".\"triune_assessment_index\""));
  if (!after) return failure(after.error().code, after.error().message);
  key.gain = IndexGain{.rows = rows,
                       .sampled = rows < table.rows,
                       .before_us = before.median_us,
                       .after_us = after->median_us,
                       .build_ms = build};
  return {};
}

}  // namespace

Status measure_index_gains(Source& source, TableReport& table) {
  const auto missing = [](const ForeignKeyReport& key) { return !key.indexed; };
  if (std::none_of(table.foreign_keys.begin(), table.foreign_keys.end(), missing)) return {};
  std::string reason;
  if (!source.options().measure) reason = "measuring was switched off";
  if (table.rows < fewest_rows) reason = fmt::format("{} rows are too few to matter", table.rows);
  Copy copied(source);
  if (reason.empty())
    if (auto filled = copied.fill(table); !filled) reason = filled.error().message;
  TRIUNE_TRY(source.go_on());
  for (auto& key : table.foreign_keys) {
    if (key.indexed) continue;
    key.not_measured = reason;
    if (!reason.empty()) continue;
    if (auto status = measure_one(source, table, copied.rows(), key); !status)
      key.not_measured = status.error().message;
    TRIUNE_TRY(source.go_on());
  }
  return {};
}

}  // namespace triune::placement
