#include "federation/typed_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "model/sql_text.h"

namespace triune::federation {
namespace {

/// What PostgreSQL takes a document for.
constexpr std::size_t assumed_rows = 100;

std::string_view name_of(contract::ColumnType type) {
  switch (type) {
    case contract::ColumnType::boolean: return "boolean";
    case contract::ColumnType::int64: return "bigint";
    case contract::ColumnType::float64: return "double precision";
    case contract::ColumnType::json: return "jsonb";
    case contract::ColumnType::text: break;
  }
  return "text";
}

}  // namespace

Json TypedSet::document() const {
  std::string document;
  for (const auto& row : rows) {
    Record record;
    for (std::size_t i = 0; i < columns.size(); ++i) record.push_back({columns[i], row[i]});
    document += (document.empty() ? "" : ",") + to_json(record);
  }
  return {"[" + document + "]"};
}

// A series beside the document, no longer than it is, and a limit tell the server how many rows there are; in powers of
// two, so that statements stay prepared.
TypedSet::Text TypedSet::text() const {
  std::string definitions;
  std::string names;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto name = model::quote_identifier(columns[i]);
    const std::string_view comma = i == 0 ? "" : ", ";
    definitions += fmt::format("{}{} {}", comma, name, i < types.size() ? name_of(types[i]) : "text");
    names += fmt::format("{}{}", comma, name);
  }
  if (rows.size() < assumed_rows)
    return {.before = "(SELECT * FROM jsonb_to_recordset(CAST(",
            .after = fmt::format(" AS jsonb)) AS t({}) LIMIT {})", definitions,
                                 std::bit_ceil(std::max<std::size_t>(rows.size(), 1)))};
  return {.before = fmt::format("(SELECT {} FROM ROWS FROM (jsonb_to_recordset(CAST(", names),
          .after = fmt::format(" AS jsonb)) AS ({}), generate_series(1, {})) AS t({}, \"triune row\"))", definitions,
                               std::bit_floor(rows.size()), names)};
}

}  // namespace triune::federation
