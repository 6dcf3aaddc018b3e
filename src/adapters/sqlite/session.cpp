#include "adapters/sqlite/session.h"

#include <fmt/format.h>

#include <algorithm>

#include "adapters/sqlite/sqlite_error.h"
#include "base/try.h"
#include "model/sql_text.h"

namespace triune::adapters::sqlite {

void Session::use(contract::TableFunctions& functions) {
  functions_.emplace(connection_, *this, functions);
}

Authority Session::authority() const {
  return kind_ == Kind::user_read ? Authority::user_read : Authority::internal;
}

Status Session::usable() const {
  if (!lost_) return {};
  return refuse(ErrorCode::conflict,
                "an earlier error ended the whole transaction, nothing of it remains; roll back and start again",
                Retry::safe);
}

template <class T>
Result<T> Session::checked(Result<T> result) {
  if (!connection_.in_transaction()) lost_ = true;
  if (functions_)
    if (auto failed = functions_->take_error(); !failed && !result) return failure_of(failed);
  if (!result && result.error().engine == "sqlite" && !result.error().connection_usable) failed_for_good_ = true;
  return result;
}

Result<StatementLease> Session::start(std::string_view sql, std::span<const Value> parameters) {
  const bool anew = functions_ && (functions_->used_by(sql) || functions_->measures(sql));
  if (anew) functions_->number_places();
  auto prepared = anew ? connection_.prepare_uncached(sql) : connection_.prepare(sql);
  if (functions_)
    if (auto failed = functions_->take_error(); !failed && !prepared) return failure_of(failed);
  TRIUNE_ASSIGN(StatementLease statement, std::move(prepared));
  // The authorizer is not asked about everything (VACUUM), and this call is fooled by some of what it is asked about.
  if (kind_ == Kind::user_read && !statement->read_only())
    return refuse(ErrorCode::permission_denied, "this statement writes, and only reading is allowed here");
  TRIUNE_TRY(statement->bind(parameters));
  return statement;
}

Result<RowSet> Session::query(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) {
  TRIUNE_TRY(usable());
  const AuthorityScope scope(connection_, authority());
  TRIUNE_ASSIGN(StatementLease statement, start(sql, parameters));
  auto rows = collect(*statement, max_rows);
  if (functions_ && rows) functions_->report_steps(sql, statement->handle());
  return checked(std::move(rows));
}

Status Session::visit(std::string_view sql, std::span<const Value> parameters, const contract::RowVisitor& visitor) {
  TRIUNE_TRY(usable());
  const AuthorityScope scope(connection_, authority());
  TRIUNE_ASSIGN(StatementLease statement, start(sql, parameters));
  return checked(deliver(*statement, visitor));
}

Result<std::uint64_t> Session::execute(std::string_view sql, std::span<const Value> parameters) {
  TRIUNE_TRY(usable());
  const AuthorityScope scope(connection_, authority());
  TRIUNE_ASSIGN(StatementLease statement, start(sql, parameters));
  return checked(run_to_end(*statement));
}

Status Session::execute_soon(std::string_view sql, std::span<const Value> parameters, contract::LateAnswer answer) {
  if (answer.rows != nullptr) {
    TRIUNE_ASSIGN(*answer.rows, query(sql, parameters, contract::late_row_limit));
    return {};
  }
  TRIUNE_ASSIGN(const std::uint64_t count, execute(sql, parameters));
  if (answer.changed != nullptr) *answer.changed += count;
  return {};
}

Result<std::uint64_t> Session::load_rows(std::string_view table, std::span<const std::string> columns,
                                         std::span<const Value> values) {
  std::string names;
  std::string places;
  for (const auto& column : columns) {
    names += (names.empty() ? "" : ", ") + model::quote_identifier(column);
    places += places.empty() ? "?" : ", ?";
  }
  return execute_many(fmt::format("INSERT INTO {} ({}) VALUES ({})", model::quote_identifier(table), names, places),
                      columns.size(), values);
}

Result<std::uint64_t> Session::execute_many(std::string_view sql, std::size_t column_count,
                                            std::span<const Value> values) {
  TRIUNE_TRY(usable());
  if (column_count == 0 || values.size() % column_count != 0)
    return refuse(ErrorCode::invalid_argument,
                  fmt::format("{} values do not fill rows of {} columns", values.size(), column_count));
  const AuthorityScope scope(connection_, authority());
  return checked(run_many(sql, column_count, values));
}

Status Session::execute_script(std::string_view sql) {
  TRIUNE_TRY(usable());
  if (kind_ == Kind::user_read) return refuse(ErrorCode::permission_denied, "users may run one statement at a time");
  const AuthorityScope scope(connection_, authority());
  return checked(run_script(sql));
}

Result<RowSet> Session::execute_user(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) {
  TRIUNE_TRY(usable());
  if (kind_ != Kind::write)
    return refuse(ErrorCode::permission_denied, "a read session cannot write; run the statement in a write job");
  connection_.set_user_limits(true);
  auto result = checked(run_user(sql, parameters, max_rows));
  connection_.set_user_limits(false);
  return result;
}

Result<contract::TableChange> Session::table_change(std::string_view sql) {
  TRIUNE_TRY(usable());
  // Compiling twice costs; nearly no statement comes near.
  if (!mentions(sql, "drop") && !mentions(sql, "alter")) return contract::TableChange{};
  TRIUNE_TRY(connection_.refresh_schema());
  const AuthorityScope scope(connection_, Authority::observe);
  const auto statement = connection_.prepare_uncached(sql);
  return statement ? connection_.authorizer().table_change() : contract::TableChange{};
}

Result<RowSet> Session::collect(Statement& statement, std::size_t max_rows) {
  RowSet result;
  while (true) {
    TRIUNE_ASSIGN(const bool more, statement.step());
    // Only now: the first step compiles the statement again when the schema has changed.
    if (result.columns.empty()) result.columns = statement.column_names();
    if (!more) return result;
    if (result.rows.size() < max_rows) {
      statement.read_row(result.rows.emplace_back());
      continue;
    }
    result.truncated = true;
    // A statement that writes is run to its end, or its effect would depend on who looks at its rows.
    if (statement.read_only()) return result;
  }
}

Status Session::deliver(Statement& statement, const contract::RowVisitor& visitor) {
  std::vector<Value> row;
  while (true) {
    TRIUNE_ASSIGN(const bool more, statement.step());
    if (!more) return {};
    statement.read_row(row);
    TRIUNE_TRY(visitor(row));
  }
}

Result<std::uint64_t> Session::run_to_end(Statement& statement) {
  const std::int64_t before = connection_.total_changes();
  bool more = true;
  while (more) {
    TRIUNE_ASSIGN(more, statement.step());
  }
  // SQLite's count of changes is left alone by statements that change no rows, and then belongs to an earlier one.
  if (connection_.total_changes() == before) return 0;
  return static_cast<std::uint64_t>(sqlite3_changes64(connection_.handle()));
}

Result<std::uint64_t> Session::run_many(std::string_view sql, std::size_t column_count, std::span<const Value> values) {
  TRIUNE_ASSIGN(StatementLease statement, connection_.prepare(sql));
  std::uint64_t changed = 0;
  for (std::size_t first = 0; first < values.size(); first += column_count) {
    auto row = statement->bind(values.subspan(first, column_count));
    auto one = row ? run_to_end(*statement) : Result<std::uint64_t>(failure_of(row));
    if (!one) {
      one.error().message = fmt::format("row {}: {}", first / column_count + 1, one.error().message);
      return one;
    }
    changed += *one;
    statement->reset();
  }
  return changed;
}

Status Session::run_script(std::string_view sql) {
  std::string_view rest = sql;
  while (!rest.empty()) {
    const std::string_view current = rest;
    if (auto ran = run_first(current, rest); !ran) {
      const auto line = std::count(sql.begin(), sql.end() - static_cast<std::ptrdiff_t>(current.size()), '\n') + 1;
      ran.error().message = fmt::format("statement of the script from line {}: {}", line, ran.error().message);
      return ran;
    }
  }
  return {};
}

Status Session::run_first(std::string_view sql, std::string_view& rest) {
  TRIUNE_ASSIGN(Statement statement, connection_.compile(sql, rest));
  if (statement.empty()) return {};
  TRIUNE_TRY(statement.bind({}));
  TRIUNE_TRY(run_to_end(statement));
  return {};
}

Result<RowSet> Session::run_user(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) {
  // Another program may have changed the schema: reading it now means that SQLite need not compile the user's statement
  // again while it runs, under the wider authority that virtual tables need then.
  TRIUNE_TRY(connection_.refresh_schema());
  AuthorityScope scope(connection_, Authority::user_write);
  TRIUNE_ASSIGN(StatementLease statement, connection_.prepare_uncached(sql));
  const bool alters = connection_.authorizer().altered_table();
  TRIUNE_TRY(statement->bind(parameters));
  connection_.set_authority(Authority::user_write_nested);
  if (alters) return run_user_alteration(*statement);
  return collect(*statement, max_rows);
}

Result<RowSet> Session::run_user_alteration(Statement& statement) {
  TRIUNE_ASSIGN(const auto before, protected_names());
  TRIUNE_TRY(connection_.control("SAVEPOINT \"triune_alter\""));
  auto result = collect(statement, 0);
  statement.reset();
  auto after = protected_names();
  const bool same = after && *after == before;
  if (connection_.in_transaction()) {
    if (!same) TRIUNE_TRY(connection_.control("ROLLBACK TO \"triune_alter\""));
    TRIUNE_TRY(connection_.control("RELEASE \"triune_alter\""));
  }
  if (!after) return failure_of(after);
  if (result && !same)
    return refuse(ErrorCode::permission_denied, "a table cannot be given a name that starts with triune_");
  return result;
}

Result<std::vector<std::string>> Session::protected_names() {
  const AuthorityScope scope(connection_, Authority::internal);
  TRIUNE_ASSIGN(
      StatementLease statement,
      start("SELECT type || ' ' || name FROM sqlite_schema WHERE name LIKE 'triune\\_%' ESCAPE '\\' ORDER BY 1", {}));
  std::vector<std::string> names;
  TRIUNE_TRY(deliver(*statement, [&names](std::span<const Value> row) -> Status {
    names.push_back(to_text(row[0]));
    return {};
  }));
  return names;
}

// Savepoints of the interface carry a prefix, so that no name reaches the one that encloses a job.
Status Session::savepoint(std::string_view name) {
  TRIUNE_TRY(usable());
  TRIUNE_TRY(checked(connection_.control("SAVEPOINT " + model::quote_identifier("user " + std::string(name)))));
  savepoints_.emplace_back(name);
  return {};
}

Status Session::release(std::string_view name) {
  TRIUNE_TRY(usable());
  TRIUNE_ASSIGN(const std::size_t position, find_savepoint(name));
  TRIUNE_TRY(checked(connection_.control("RELEASE " + model::quote_identifier("user " + std::string(name)))));
  savepoints_.resize(position);
  return {};
}

Status Session::rollback_to(std::string_view name) {
  TRIUNE_TRY(usable());
  TRIUNE_ASSIGN(const std::size_t position, find_savepoint(name));
  TRIUNE_TRY(checked(connection_.control("ROLLBACK TO " + model::quote_identifier("user " + std::string(name)))));
  savepoints_.resize(position + 1);
  return {};
}

Status Session::release_all() {
  // Innermost first: a name may have been used twice, and RELEASE takes the innermost of that name.
  while (!savepoints_.empty()) TRIUNE_TRY(release(std::string(savepoints_.back())));
  return {};
}

Result<std::size_t> Session::find_savepoint(std::string_view name) const {
  const auto found = std::find(savepoints_.rbegin(), savepoints_.rend(), name);
  if (found == savepoints_.rend())
    return refuse(ErrorCode::invalid_argument, fmt::format("there is no savepoint \"{}\"", name));
  return static_cast<std::size_t>(std::distance(found, savepoints_.rend())) - 1;
}

}  // namespace triune::adapters::sqlite
