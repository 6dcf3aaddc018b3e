// Rows in the forms that COPY … FROM STDIN takes, PostgreSQL's bulk path.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres/types.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::postgres {

/// Writes rows in the form COPY takes: binary when every value fits the type of its column in a way known here, else
/// text, which the server converts as it would a literal. The same for the whole load.
class CopyEncoder {
 public:
  /// `types`: of the columns.
  CopyEncoder(std::vector<Type> types, bool binary) : types_(std::move(types)), binary_(binary) {}
  /// Whether each of the values has a binary form for its column.
  static bool fits(std::span<const Type> types, std::span<const Value> values);
  /// `invalid_argument` for text that PostgreSQL cannot hold.
  static Status check(std::span<const Value> values, std::size_t column_count);

  void begin(std::string& to) const;
  void add_row(std::span<const Value> row, std::string& to) const;
  void end(std::string& to) const;

 private:
  const std::vector<Type> types_;
  const bool binary_;
};

}  // namespace triune::adapters::postgres
