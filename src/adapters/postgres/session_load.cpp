// The part of a session that loads rows in bulk.
#include <fmt/format.h>

#include <algorithm>

#include "adapters/postgres/copy.h"
#include "adapters/postgres/session.h"
#include "adapters/postgres/sqlstate.h"
#include "base/try.h"
#include "model/sql_text.h"

namespace triune::adapters::postgres {
namespace {

constexpr std::size_t part_bytes = std::size_t{256} * 1024;
/// Below, INSERT needs fewer round trips.
constexpr std::size_t fewest_rows = 16;

std::string name_list(std::span<const std::string> columns) {
  std::string names;
  for (const auto& column : columns) names += (names.empty() ? "" : ", ") + model::quote_identifier(column);
  return names;
}

std::string insert_statement(std::string_view table, std::span<const std::string> columns) {
  std::string places;
  for (std::size_t index = 0; index < columns.size(); ++index)
    places += fmt::format("{}?{}", index == 0 ? "" : ", ", index + 1);
  return fmt::format("INSERT INTO {} ({}) VALUES ({})", model::quote_identifier(table), name_list(columns), places);
}

}  // namespace

Result<std::uint64_t> Session::load_rows(std::string_view table, std::span<const std::string> columns,
                                         std::span<const Value> values) {
  if (columns.empty() || values.size() < columns.size() * fewest_rows)
    return execute_many(insert_statement(table, columns), columns.size(), values);
  TRIUNE_TRY(ready());
  if (kind_ != Kind::write) return refuse(ErrorCode::permission_denied, "a read session cannot load rows");
  if (values.size() % columns.size() != 0)
    return refuse(ErrorCode::invalid_argument,
                  fmt::format("{} values do not fill rows of {} columns", values.size(), columns.size()));
  TRIUNE_TRY(CopyEncoder::check(values, columns.size()));
  std::uint64_t added = 0;
  TRIUNE_TRY(copy(table, columns, values, added));
  return added;
}

Result<std::vector<Type>> Session::column_types(std::string_view table, std::span<const std::string> columns) {
  TRIUNE_TRY(begin());
  // COPY takes the same lock. Without it a type could change after it was asked for, and some binary values would pass
  // for another type's: an integer for a double.
  TRIUNE_TRY(checked(connection_.pipeline().command(
      fmt::format("LOCK TABLE {} IN ROW EXCLUSIVE MODE", model::quote_identifier(table)))));
  const Value name = std::string(table);
  TRIUNE_ASSIGN(const RowSet rows,
                query("SELECT a.attname, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.oid END "
                      "FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid "
                      "WHERE a.attrelid = pg_catalog.to_regclass(pg_catalog.quote_ident(?1)) AND a.attnum > 0",
                      {&name, 1}, 10'000));
  std::vector<Type> types;
  for (const auto& column : columns) {
    const auto found = std::find_if(rows.rows.begin(), rows.rows.end(),
                                    [&column](const auto& row) { return to_text(row[0]) == column; });
    types.push_back(found == rows.rows.end() ? Type::none : static_cast<Type>(std::get<std::int64_t>((*found)[1])));
  }
  return types;
}

Status Session::copy(std::string_view table, std::span<const std::string> columns, std::span<const Value> values,
                     std::uint64_t& added) {
  TRIUNE_ASSIGN(auto types, column_types(table, columns));
  const bool binary = CopyEncoder::fits(types, values);
  const CopyEncoder encoder(std::move(types), binary);
  std::size_t next = 0;
  const Producer producer = [&](std::string& part) {
    if (next == 0) encoder.begin(part);
    for (; next < values.size() && part.size() < part_bytes; next += columns.size())
      encoder.add_row(values.subspan(next, columns.size()), part);
    if (next < values.size()) return true;
    encoder.end(part);
    return false;
  };
  return checked(connection_.pipeline().copy_in(fmt::format("COPY {} ({}) FROM STDIN{}", model::quote_identifier(table),
                                                            name_list(columns), binary ? " (FORMAT binary)" : ""),
                                                producer, &added, deadline_));
}

}  // namespace triune::adapters::postgres
