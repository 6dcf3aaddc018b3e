#include "intake/legacy_sqlite/digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "base/file.h"
#include "base/try.h"

namespace triune::intake::legacy {
namespace {

/// So few rows are compared one by one.
constexpr std::uint64_t few = 64;

base::Hash128 hash_of(std::span<const Cell> row, std::string& buffer) {
  buffer.clear();
  for (const auto& cell : row) encode(buffer, cell);
  return base::hash128(base::as_bytes(buffer));
}

/// Keys from above `after` up to `until`; nothing: no bound.
struct Range {
  std::optional<RowKey> after;
  std::optional<RowKey> until;
};

struct Condition {
  std::string text = "TRUE";
  std::vector<Value> parameters;
};

class Comparer {
 public:
  Comparer(const RowReader& before, const RowReader& after, const RowLayout& layout, TableComparison& result)
      : before_(before), after_(after), layout_(layout), result_(result) {}

  /// The range is known to differ.
  Status narrow(const Range& range, std::uint64_t rows_before, std::uint64_t rows_after) {
    if (result_.differences.size() >= most_differences) return {};
    if (rows_before <= few && rows_after <= few) return compare_rows(range);
    TRIUNE_ASSIGN(const auto middle, middle_of(range, rows_before, rows_after));
    if (!middle) return compare_rows(range);
    TRIUNE_TRY(narrow_if_different({.after = range.after, .until = *middle}));
    return narrow_if_different({.after = *middle, .until = range.until});
  }

 private:
  [[nodiscard]] Condition condition_of(const Range& range) const {
    Condition condition;
    if (range.after) {
      condition.text = layout_.compare(">", *range.after, 1);
      condition.parameters = values_of(*range.after);
    }
    if (range.until) {
      condition.text += " AND " + layout_.compare("<=", *range.until, condition.parameters.size() + 1);
      for (auto& value : values_of(*range.until)) condition.parameters.push_back(std::move(value));
    }
    return condition;
  }

  Status narrow_if_different(const Range& range) {
    ++result_.ranges;
    const auto condition = condition_of(range);
    TRIUNE_ASSIGN(const auto left, digest_of(before_, layout_, condition.text, condition.parameters));
    TRIUNE_ASSIGN(const auto right, digest_of(after_, layout_, condition.text, condition.parameters));
    return left == right ? Status() : narrow(range, left.rows, right.rows);
  }

  /// The key in the middle of the side that has more rows.
  Result<std::optional<RowKey>> middle_of(const Range& range, std::uint64_t rows_before, std::uint64_t rows_after) {
    const auto condition = condition_of(range);
    std::optional<RowKey> middle;
    const auto& reader = rows_before >= rows_after ? before_ : after_;
    const auto offset = std::max(rows_before, rows_after) / 2 - 1;
    TRIUNE_TRY(reader(layout_.select_keys(condition.text, fmt::format("LIMIT 1 OFFSET {}", offset)),
                      condition.parameters, [&](std::span<const Value> row) -> Status {
                        middle = layout_.key_cells(row);
                        return {};
                      }));
    return middle;
  }

  using Rows = std::map<std::string, std::vector<Cell>>;

  Result<Rows> rows_in(const RowReader& reader, const Range& range) {
    const auto condition = condition_of(range);
    Rows rows;
    std::vector<Cell> row;
    TRIUNE_TRY(
        reader(layout_.select(condition.text), condition.parameters, [&](std::span<const Value> selected) -> Status {
          layout_.cells(selected, row);
          std::string key;
          for (const auto& cell : layout_.key_of(row)) encode(key, cell);
          rows.emplace(std::move(key), row);
          return {};
        }));
    return rows;
  }

  Status compare_rows(const Range& range) {
    TRIUNE_ASSIGN(const auto left, rows_in(before_, range));
    TRIUNE_ASSIGN(const auto right, rows_in(after_, range));
    for (const auto& [key, row] : left) {
      const auto found = right.find(key);
      if (found == right.end()) {
        note(RowDifference::Kind::missing, row, {});
        continue;
      }
      auto columns = different_columns(row, found->second);
      if (!columns.empty()) note(RowDifference::Kind::changed, row, std::move(columns));
    }
    for (const auto& [key, row] : right)
      if (!left.contains(key)) note(RowDifference::Kind::extra, row, {});
    return {};
  }

  [[nodiscard]] std::vector<std::string> different_columns(std::span<const Cell> left,
                                                           std::span<const Cell> right) const {
    std::vector<std::string> columns;
    for (std::size_t i = 0; i < left.size(); ++i) {
      std::string one;
      std::string other;
      encode(one, left[i]);
      encode(other, right[i]);
      if (one != other) columns.push_back(layout_.parts()[i]);
    }
    return columns;
  }

  void note(RowDifference::Kind kind, std::span<const Cell> row, std::vector<std::string> columns) {
    if (result_.differences.size() < most_differences)
      result_.differences.push_back({kind, layout_.spoken(layout_.key_of(row)), std::move(columns)});
  }

  const RowReader& before_;
  const RowReader& after_;
  const RowLayout& layout_;
  TableComparison& result_;
};

}  // namespace

void TableDigest::add(const base::Hash128& hash) {
  ++rows;
  sum.low += hash.low;
  sum.high += hash.high + (sum.low < hash.low ? 1 : 0);
}

std::string to_text(const TableDigest& digest) {
  return fmt::format("{}:{:016x}{:016x}", digest.rows, digest.sum.high, digest.sum.low);
}

std::string_view to_string(RowDifference::Kind kind) noexcept {
  if (kind == RowDifference::Kind::missing) return "missing";
  return kind == RowDifference::Kind::extra ? "extra" : "changed";
}

Result<TableDigest> digest_of(const RowReader& reader, const RowLayout& layout, std::string_view condition,
                              std::span<const Value> parameters) {
  TableDigest digest;
  std::vector<Cell> row;
  std::string buffer;
  TRIUNE_TRY(reader(layout.select(condition), parameters, [&](std::span<const Value> selected) -> Status {
    layout.cells(selected, row);
    digest.add(hash_of(row, buffer));
    return {};
  }));
  return digest;
}

Result<TableComparison> compare_table(const RowReader& before, const RowReader& after, const RowLayout& layout) {
  TableComparison result{.table = layout.table()};
  TRIUNE_ASSIGN(result.before, digest_of(before, layout));
  TRIUNE_ASSIGN(result.after, digest_of(after, layout));
  if (result.same() || !layout.has_key()) return result;
  TRIUNE_TRY(Comparer(before, after, layout, result).narrow({}, result.before.rows, result.after.rows));
  return result;
}

}  // namespace triune::intake::legacy
