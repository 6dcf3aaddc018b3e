// Rows for people: aligned columns, numbers to the right.
#pragma once

#include <cstddef>
#include <string>

#include "triune/value.h"

namespace triune::front {

/// How wide a table may be.
struct TableStyle {
  std::size_t columns = 0;  ///< Cut the longest cells so that a line fits; 0: cut nothing.
  bool bold_header = false;
};

/// The style for standard output as it is: fits a terminal unless `wide`, cuts nothing in a file or a pipe.
TableStyle style_of_output(bool wide);

/// `rows` as lines of text with a header and a rule below it. Every cell stays on one line.
std::string format_table(const RowSet& rows, const TableStyle& style);

}  // namespace triune::front
