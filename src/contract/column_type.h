// What the columns of an answer hold, also when there are no rows to tell.
#pragma once

#include <cstdint>
#include <vector>

#include "triune/value.h"

namespace triune::contract {

enum class ColumnType : std::uint8_t { boolean, int64, float64, text, json };

/// Rows with the types of their columns.
struct TypedRows {
  RowSet rows;
  std::vector<ColumnType> types;
};

}  // namespace triune::contract
