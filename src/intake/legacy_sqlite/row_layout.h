// How rows of a table are read and written so that nothing of them is lost, on both sides of a migration.
//
// A value as SQLite holds it is its storage class and its bits: 1, 1.0, '1' and x'31' are four values. Text that is not
// UTF-8, or holds NUL, comes as bytes with a mark, and goes back through CAST.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "placement/assessment.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::intake::legacy {

/// A cell: bytes may be a text that Value cannot hold.
struct Cell {
  Value value;
  bool raw_text = false;
  bool operator==(const Cell&) const = default;
};

/// The cells that name a row.
using RowKey = std::vector<Cell>;

/// Of a stored table. What is generated is left out, since it follows from the rest; on a server it does not.
class RowLayout {
 public:
  enum class For : std::uint8_t { directory, server };
  explicit RowLayout(const placement::TableReport& table, For target = For::directory);
  /// As `to_json` wrote it.
  static Result<RowLayout> from_json(std::string_view text);
  [[nodiscard]] std::string to_json() const;

  [[nodiscard]] const std::string& table() const { return table_; }
  /// What a row consists of: the row number where it is none of the columns, and the columns.
  [[nodiscard]] const std::vector<std::string>& parts() const { return parts_; }
  /// Whether the first part is a row number that is none of the columns.
  [[nodiscard]] bool hides_number() const { return hides_number_; }
  /// Whether the column is another name for the row number.
  [[nodiscard]] bool names_number(std::string_view column) const {
    return !number_column_.empty() && number_column_ == column;
  }
  /// Whether rows have a name by which they can be ordered.
  [[nodiscard]] bool has_key() const { return !key_.empty(); }
  /// Rows in the order of their keys, for `cells`; `condition` and `ending` are spliced behind WHERE and ORDER BY.
  [[nodiscard]] std::string select(std::string_view condition, std::string_view ending = "") const;
  /// The keys alone.
  [[nodiscard]] std::string select_keys(std::string_view condition, std::string_view ending) const;
  /// "key > ?N", comparing as the table does.
  [[nodiscard]] std::string compare(std::string_view operation, const RowKey& key, std::size_t first_parameter) const;
  /// INSERT of all parts.
  [[nodiscard]] std::string insert() const;
  /// The same for one row, with casts where they are needed.
  [[nodiscard]] std::string insert(std::span<const Cell> row) const;

  /// The cells of a row that `select` returned.
  void cells(std::span<const Value> selected, std::vector<Cell>& row) const;
  /// The cells of a row that `select_keys` returned.
  [[nodiscard]] RowKey key_cells(std::span<const Value> selected) const;
  [[nodiscard]] RowKey key_of(std::span<const Cell> row) const;
  /// "id 7", "(a, b) (1, x)": for people.
  [[nodiscard]] std::string spoken(const RowKey& key) const;

 private:
  RowLayout() = default;

  std::string table_;
  std::vector<std::string> parts_;
  std::vector<std::size_t> key_;  ///< Positions in `parts_`.
  bool hides_number_ = false;
  std::string number_column_;
};

/// Appends a cell so that different cells have different texts.
void encode(std::string& to, const Cell& cell);

/// Values to bind for a key.
std::vector<Value> values_of(const RowKey& key);

/// A key as text for the record of a step, and back.
std::string key_to_json(const RowKey& key);
Result<RowKey> key_from_json(std::string_view text);

}  // namespace triune::intake::legacy
