#include "adapters/postgres/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/postgres/cursor.h"
#include "adapters/postgres/results.h"
#include "adapters/postgres/rules.h"
#include "adapters/postgres/sqlstate.h"
#include "base/try.h"

namespace triune::adapters::postgres {
namespace {

Status add_rows(const PGresult* answer, std::size_t max_rows, RowSet& rows) {
  if (rows.columns.empty()) rows.columns = column_names(answer);
  for (int row = 0; row < PQntuples(answer); ++row) {
    if (rows.rows.size() < max_rows) {
      TRIUNE_TRY(read_row(answer, row, rows.rows.emplace_back()));
    } else {
      rows.truncated = true;
    }
  }
  return {};
}

}  // namespace

Session::~Session() {
  abandon();
}

Result<RowSet> Session::query(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) {
  TRIUNE_ASSIGN(const Prepared prepared, start(sql, parameters));
  // A user's query may have any number of rows beyond those wanted.
  auto result = kind_ == Kind::user_read ? collect_some(prepared, max_rows) : collect(prepared, max_rows);
  if (result || !can_start_anew(result.error())) return result;
  return query(sql, parameters, max_rows);
}

Result<RowSet> Session::collect_some(const Prepared& prepared, std::size_t max_rows) {
  if (!Cursor::fits(prepared.statement->text)) return collect(prepared, max_rows);
  RowSet result;
  const auto keep = [&](std::span<const Value> row) -> Status {
    if (result.rows.size() < max_rows) {
      result.rows.emplace_back(row.begin(), row.end());
    } else {
      result.truncated = true;
    }
    return {};
  };
  TRIUNE_TRY(fetch(prepared, max_rows == SIZE_MAX ? max_rows : max_rows + 1, &result.columns, keep));
  return result;
}

Result<RowSet> Session::collect(const Prepared& prepared, std::size_t max_rows) {
  RowSet result;
  const Receiver receiver = [&](const PGresult* answer) { return add_rows(answer, max_rows, result); };
  TRIUNE_TRY(send(prepared, {.receiver = &receiver}));
  TRIUNE_TRY(settle());
  return result;
}

Status Session::visit(std::string_view sql, std::span<const Value> parameters, const contract::RowVisitor& visitor) {
  TRIUNE_ASSIGN(const Prepared prepared, start(sql, parameters));
  if (Cursor::fits(prepared.statement->text)) return fetch(prepared, SIZE_MAX, nullptr, visitor);
  TRIUNE_ASSIGN(const RowSet rows, collect(prepared, SIZE_MAX));
  for (const auto& row : rows.rows) TRIUNE_TRY(visitor(row));
  return {};
}

Status Session::fetch(const Prepared& prepared, std::size_t most, std::vector<std::string>* columns,
                      const contract::RowVisitor& visitor) {
  TRIUNE_TRY(begin());
  Cursor cursor(connection_.pipeline(), prepared.statement, cursors_++);
  TRIUNE_TRY(checked(cursor.declare(prepared.parameters)));
  for (std::size_t seen = 0; seen < most && !cursor.at_end();) {
    TRIUNE_TRY(checked(cursor.fetch(most - seen, deadline_)));
    if (columns != nullptr) *columns = cursor.columns();
    for (const auto& row : cursor.rows()) {
      ++seen;
      if (auto visited = visitor(row); !visited) {
        if (failed_) TRIUNE_TRY(cursor.close());
        return visited;
      }
    }
  }
  return cursor.close();
}

Result<std::uint64_t> Session::execute(std::string_view sql, std::span<const Value> parameters) {
  std::uint64_t changed = 0;
  TRIUNE_TRY(execute_soon(sql, parameters, {.changed = &changed}));
  TRIUNE_TRY(settle());
  return changed;
}

Status Session::execute_soon(std::string_view sql, std::span<const Value> parameters, contract::LateAnswer answer) {
  TRIUNE_TRY(ready());
  if (answer.at_end && answer.rows != nullptr) {
    ask_at_end(sql, parameters, *answer.rows);
    return {};
  }
  TRIUNE_ASSIGN(const Prepared prepared, start(sql, parameters));
  Order order{.changed = answer.changed};
  if (answer.rows != nullptr)
    order.receiver = &late_receivers_.emplace_back(
        [rows = answer.rows](const PGresult* result) { return add_rows(result, contract::late_row_limit, *rows); });
  TRIUNE_TRY(send(prepared, order));
  return connection_.pipeline().full() ? settle() : Status();
}

void Session::ask_at_end(std::string_view sql, std::span<const Value> parameters, RowSet& answer) {
  for (auto& question : questions_) {
    if (question.sql != sql || !std::ranges::equal(question.parameters, parameters)) continue;
    question.askers.push_back(&answer);
    return;
  }
  questions_.push_back({std::string(sql), {parameters.begin(), parameters.end()}, {&answer}});
}

Status Session::ask_questions() {
  for (const auto& question : questions_) {
    TRIUNE_ASSIGN(const Prepared prepared, start(question.sql, question.parameters));
    const auto& receiver = late_receivers_.emplace_back([&question](const PGresult* result) -> Status {
      for (RowSet* const rows : question.askers) TRIUNE_TRY(add_rows(result, contract::late_row_limit, *rows));
      return {};
    });
    TRIUNE_TRY(send(prepared, {.receiver = &receiver}));
  }
  return {};
}

Result<std::uint64_t> Session::execute_many(std::string_view sql, std::size_t column_count,
                                            std::span<const Value> values) {
  TRIUNE_TRY(ready());
  if (column_count == 0 || values.size() % column_count != 0)
    return refuse(ErrorCode::invalid_argument,
                  fmt::format("{} values do not fill rows of {} columns", values.size(), column_count));
  std::uint64_t changed = 0;
  for (std::size_t first = 0; first < values.size(); first += column_count) {
    const std::size_t row = first / column_count + 1;
    auto started = start(sql, values.subspan(first, column_count));
    if (!started) {
      started.error().message = fmt::format("row {}: {}", row, started.error().message);
      return failure_of(started);
    }
    TRIUNE_TRY(send(*started, {.changed = &changed, .row = row}));
    if (connection_.pipeline().full()) TRIUNE_TRY(settle());
  }
  TRIUNE_TRY(settle());
  return changed;
}

Status Session::execute_script(std::string_view sql) {
  TRIUNE_TRY(ready());
  if (kind_ == Kind::user_read) return refuse(ErrorCode::permission_denied, "users may run one statement at a time");
  for (const std::string_view statement : split_script(sql)) {
    auto ran = execute(statement, {});
    if (ran) continue;
    const auto line = std::count(sql.begin(), sql.begin() + (statement.data() - sql.data()), '\n') + 1;
    ran.error().message = fmt::format("statement of the script from line {}: {}", line, ran.error().message);
    return failure_of(ran);
  }
  return {};
}

Result<contract::TableChange> Session::table_change(std::string_view sql) {
  TRIUNE_TRY(ready());
  return table_change_of(tokens_of(sql));
}

}  // namespace triune::adapters::postgres
