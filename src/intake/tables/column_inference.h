// The type of a column of CSV, decided by all of its cells.
#pragma once

#include <string_view>

#include "intake/tables/csv_scanner.h"
#include "intake/tables/table_reader.h"
#include "triune/value.h"

namespace triune::intake {

class ColumnInference {
 public:
  /// Takes a cell into account.
  void add(const CsvCell& cell) noexcept;
  /// The narrowest type that holds every cell so far without changing what it says.
  [[nodiscard]] ColumnType type() const noexcept;

 private:
  bool boolean_ = false;
  bool integer_ = false;
  bool large_integer_ = false;  // beyond 2^53: no double holds it
  bool decimal_ = false;
  bool text_ = false;
};

/// Sets `value` to a cell of a column of `type`; an empty cell without quotes is NULL.
void set_cell(const CsvCell& cell, ColumnType type, Value& value);

/// The type of a value of JSON, and the type that holds both of two types.
ColumnType type_of(const Value& value) noexcept;
ColumnType widened(ColumnType left, ColumnType right) noexcept;

}  // namespace triune::intake
