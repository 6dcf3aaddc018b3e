#include "placement/row_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "base/try.h"
#include "model/sql_text.h"
#include "placement/pieces.h"
#include "placement/schema_reader.h"

namespace triune::placement {
namespace {

constexpr std::size_t columns_of_a_statement = 100;
constexpr std::size_t examples = 5;

struct StorageClass {
  char letter;
  std::string_view name;
  std::uint64_t ColumnReport::* count;
};

constexpr std::array<StorageClass, 4> classes{{{'i', "integer", &ColumnReport::integers},
                                               {'r', "real", &ColumnReport::reals},
                                               {'t', "text", &ColumnReport::texts},
                                               {'b', "blob", &ColumnReport::blobs}}};

std::uint64_t count_of(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number == nullptr || *number < 0 ? 0 : static_cast<std::uint64_t>(*number);
}

/// A column during the pass. Most columns hold one storage class, so each piece first counts that one alone; a piece
/// with others is counted again in full.
class ColumnScan {
 public:
  ColumnScan(const TableReport& table, ColumnReport& column)
      : table_(table),
        column_(column),
        name_(model::quote_identifier(column.name)),
        promised_(promised_classes(column.declared_type)) {
    const auto likely = column.affinity == "numeric" ? "integer" : std::string_view(column.affinity);
    usual_ = static_cast<std::size_t>(
        std::find_if(classes.begin(), classes.end(), [likely](const auto& each) { return each.name == likely; }) -
        classes.begin());
  }

  /// Four expressions that say how many cells there are, how many of the usual class, and how large they are.
  [[nodiscard]] std::string expressions() const {
    const bool sized = usual_ >= 2;
    return fmt::format("count({0}), sum(typeof({0}) = '{1}'), {2}, {3}", name_, classes[usual_].name,
                       sized ? fmt::format("sum(octet_length({}))", name_) : "0",
                       sized ? fmt::format("max(octet_length({}))", name_) : "0");
  }

  /// Takes their values for a piece of `rows` rows.
  Status take(Source& source, const Piece& piece, std::uint64_t rows, std::span<const Value> values) {
    const std::uint64_t cells = count_of(values[0]);
    column_.nulls += rows - cells;
    if (count_of(values[1]) == cells) {
      column_.*classes[usual_].count += cells;
      column_.bytes += count_of(values[2]);
      TRIUNE_TRY(take_sizes(source, piece, count_of(values[3])));
      if (cells > 0 && !is_promised(classes[usual_].letter)) TRIUNE_TRY(take_violations(source, piece, cells));
      return {};
    }
    return take_mixed(source, piece);
  }

 private:
  [[nodiscard]] bool is_promised(char letter) const {
    return promised_.empty() || promised_.find(letter) != std::string::npos;
  }

  Status take_mixed(Source& source, const Piece& piece) {
    std::string sums;
    for (const auto& each : classes) sums += fmt::format("sum(typeof({}) = '{}'), ", name_, each.name);
    const auto size = fmt::format("CASE WHEN typeof({0}) IN ('text', 'blob') THEN octet_length({0}) END", name_);
    TRIUNE_ASSIGN(const auto found, source.rows(fmt::format("SELECT {0}sum({1}), max({1}) FROM {2} WHERE {3}", sums,
                                                            size, from_table(table_), piece.condition),
                                                piece.parameters, 1));
    const auto& row = found.rows.front();
    std::uint64_t violations = 0;
    std::uint64_t most = 0;
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const std::uint64_t count = count_of(row[i]);
      column_.*classes[i].count += count;
      if (!is_promised(classes[i].letter)) violations += count;
      if (count > most) usual_ = i;
      most = std::max(most, count);
    }
    column_.bytes += count_of(row[4]);
    TRIUNE_TRY(take_sizes(source, piece, count_of(row[5])));
    return violations == 0 ? Status() : take_violations(source, piece, violations);
  }

  Status take_sizes(Source& source, const Piece& piece, std::uint64_t largest) {
    column_.largest_bytes = std::max(column_.largest_bytes, largest);
    if (largest <= large_json_bytes) return {};
    TRIUNE_ASSIGN(const auto count,
                  source.number(fmt::format("SELECT count(*) FROM {0} WHERE {1} AND octet_length({2}) > {3} AND "
                                            "typeof({2}) = 'text' AND json_valid({2})",
                                            from_table(table_), piece.condition, name_, large_json_bytes),
                                piece.parameters));
    column_.large_json += static_cast<std::uint64_t>(count);
    return {};
  }

  Status take_violations(Source& source, const Piece& piece, std::uint64_t count) {
    column_.violations += count;
    if (column_.violating_rows.size() >= examples || table_.key.empty()) return {};
    std::string allowed = "'null'";
    for (const auto& each : classes)
      if (is_promised(each.letter)) allowed += fmt::format(", '{}'", each.name);
    std::string key;
    for (const auto& part : table_.key) key += (key.empty() ? "" : ", ") + model::quote_identifier(part);
    TRIUNE_ASSIGN(const auto found,
                  source.rows(fmt::format("SELECT {} FROM {} WHERE {} AND typeof({}) NOT IN ({}) LIMIT {}", key,
                                          from_table(table_), piece.condition, name_, allowed,
                                          examples - column_.violating_rows.size()),
                              piece.parameters, examples));
    for (const auto& row : found.rows) column_.violating_rows.push_back(key_text(row));
    return {};
  }

  const TableReport& table_;
  ColumnReport& column_;
  std::string name_;
  std::string promised_;
  std::size_t usual_ = 0;
};

/// The columns that can be read: a generated one may need a function of the application.
Result<std::vector<ColumnScan>> readable_columns(Source& source, TableReport& table) {
  std::vector<ColumnScan> scans;
  for (auto& column : table.columns) {
    if (column.generated) {
      const auto tried = source.rows(
          fmt::format("SELECT {} FROM {} LIMIT 1", model::quote_identifier(column.name), from_table(table)), {}, 1);
      if (!tried) {
        TRIUNE_TRY(source.note(table.name + "." + column.name, tried.error()));
        continue;
      }
    }
    scans.emplace_back(table, column);
  }
  return scans;
}

Status scan_piece(Source& source, TableReport& table, std::vector<ColumnScan>& scans, const Piece& piece) {
  std::uint64_t rows = 0;
  for (std::size_t first = 0; first == 0 || first < scans.size(); first += columns_of_a_statement) {
    const std::size_t last = std::min(first + columns_of_a_statement, scans.size());
    std::string sql = "SELECT count(*)";
    for (std::size_t i = first; i < last; ++i) sql += ", " + scans[i].expressions();
    sql += fmt::format(" FROM {} WHERE {}", from_table(table), piece.condition);
    TRIUNE_ASSIGN(const auto found, source.rows(sql, piece.parameters, 1));
    const std::span<const Value> row = found.rows.front();
    rows = count_of(row[0]);
    for (std::size_t i = first; i < last; ++i)
      TRIUNE_TRY(scans[i].take(source, piece, rows, row.subspan(1 + 4 * (i - first), 4)));
  }
  table.rows += rows;
  table.rows_looked_at += rows;
  return {};
}

/// What the cells of the rows take, roughly: numbers of a few bytes, and the row's head.
std::uint64_t concluded_bytes(const TableReport& table) {
  constexpr std::uint64_t row_overhead = 6;
  std::uint64_t bytes = table.rows * row_overhead;
  for (const auto& column : table.columns) bytes += column.bytes + 3 * column.integers + 8 * column.reals;
  return bytes;
}

}  // namespace

Status scan_rows(Source& source, TableReport& table) {
  TRIUNE_ASSIGN(auto scans, readable_columns(source, table));
  Pieces pieces(source, table);
  Status status;
  while (true) {
    auto piece = pieces.next();
    if (piece && !*piece) break;
    status = piece ? scan_piece(source, table, scans, **piece) : Status(failure_of(piece));
    if (status) continue;
    TRIUNE_TRY(source.note(table.name, status.error()));
    break;
  }
  table.bytes = concluded_bytes(table);
  return {};
}

}  // namespace triune::placement
