// Comparing a table on both sides: a digest of all rows, and where it differs, bisection to the rows.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/hash.h"
#include "intake/legacy_sqlite/row_layout.h"
#include "intake/legacy_sqlite/source.h"

namespace triune::intake::legacy {

/// Rows and the sum of their 128-bit hashes, which does not depend on their order.
struct TableDigest {
  std::uint64_t rows = 0;
  base::Hash128 sum;
  void add(const base::Hash128& hash);
  bool operator==(const TableDigest&) const = default;
};

/// "ROWS:32 hexadecimal digits".
std::string to_text(const TableDigest& digest);

/// Of the rows that satisfy `condition`.
Result<TableDigest> digest_of(const RowReader& reader, const RowLayout& layout, std::string_view condition = "TRUE",
                              std::span<const Value> parameters = {});

/// A row that is not the same on both sides.
struct RowDifference {
  enum class Kind : std::uint8_t { missing, extra, changed };
  Kind kind = Kind::changed;
  std::string row;
  std::vector<std::string> columns;  ///< That differ, of a changed row.
};
std::string_view to_string(RowDifference::Kind kind) noexcept;

/// What one table has on both sides.
struct TableComparison {
  std::string table;
  TableDigest before;
  TableDigest after;
  std::vector<RowDifference> differences;  ///< At most `most_differences`.
  std::uint64_t ranges = 0;                ///< Compared on the way to them.
  [[nodiscard]] bool same() const { return before == after; }
};
inline constexpr std::size_t most_differences = 20;

/// Compares; when the digests differ, halves the range of keys until the rows are found. Both sides must have the
/// table.
Result<TableComparison> compare_table(const RowReader& before, const RowReader& after, const RowLayout& layout);

}  // namespace triune::intake::legacy
