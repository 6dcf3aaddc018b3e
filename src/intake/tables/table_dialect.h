// Users' tables as a load sees them, in the SQL of either store: what differs between the two is here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "intake/tables/table_reader.h"
#include "triune/hive.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::intake {

/// How a column takes values.
enum class ColumnKind : std::uint8_t {
  any,  ///< As they are: a column of SQLite without a strict type.
  integer,
  real,
  text,
  boolean,
  parsed,  ///< From their text, which the server reads: dates, uuids, JSON and whatever else PostgreSQL has.
};

struct ColumnShape {
  std::string name;
  ColumnKind kind = ColumnKind::any;
  bool is_key = false;
};

/// The columns of a table, in its order; none when there is no such table.
Result<std::vector<ColumnShape>> shape_of(Hive& hive, const std::string& table);

/// The statement that makes a table for the columns of a file.
std::string create_statement(SqlDialect dialect, std::string_view table, const std::vector<TableColumn>& columns,
                             std::string_view key);

/// Makes a value one that the column takes, where that loses nothing. What it cannot take stays for the table to
/// refuse; where the server would round it instead, the error is `invalid_argument`.
Status fit(SqlDialect dialect, const ColumnShape& column, Value& value);

}  // namespace triune::intake
