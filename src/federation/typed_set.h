// Answers of engines as tables within a statement of PostgreSQL's.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "contract/column_type.h"
#include "triune/value.h"

namespace triune::federation {

/// Rows that a statement is given as one document.
struct TypedSet {
  std::vector<std::string> columns;
  std::vector<contract::ColumnType> types;  ///< Texts where it has fewer than there are columns.
  std::vector<std::vector<Value>> rows;

  /// A JSON array of objects, one for each row.
  [[nodiscard]] Json document() const;
  /// What stands behind the number of the parameter that the document is, in `before ?1 after`: an item of FROM.
  struct Text {
    std::string before;
    std::string after;
  };
  [[nodiscard]] Text text() const;
};

}  // namespace triune::federation
