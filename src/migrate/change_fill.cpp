#include "migrate/change_fill.h"

#include <fmt/format.h>

#include <array>

#include "base/try.h"
#include "migrate/change_sql.h"
#include "model/json.h"
#include "model/sql_text.h"

namespace triune::migrate {
namespace {

using contract::Dialect;
using contract::RelationalSession;
using model::quote_identifier;

constexpr std::size_t most_reports = 1'000;
constexpr std::size_t most_rest = 10'000;
constexpr std::string_view savepoint = "triune_change";

using Row = std::vector<Value>;

/// Whether the engine refused the row for what it holds, and not for what else goes on.
bool is_of_the_row(const Error& error) {
  return error.retry == Retry::never && error.connection_usable && error.code != ErrorCode::deadline_exceeded &&
         error.code != ErrorCode::resource_exhausted;
}

/// Work on the rows of one change in one transaction.
class Rows {
 public:
  Rows(RelationalSession& session, const ChangeDefinition& change, const std::vector<std::string>& key)
      : session_(session), change_(change), key_(key) {}

  /// "?1, ?2", of a key whose values come behind so many others.
  [[nodiscard]] std::string places(std::size_t from = 0) const {
    std::string text;
    for (std::size_t at = 0; at < key_.size(); ++at) text += fmt::format("{}?{}", at == 0 ? "" : ", ", from + at + 1);
    return text;
  }
  [[nodiscard]] std::string table() const { return quote_identifier(change_.table); }
  [[nodiscard]] std::string keys() const { return key_list(key_); }
  [[nodiscard]] std::string json_of(const Row& row) const {
    Record record;
    for (std::size_t at = 0; at < key_.size(); ++at) record.push_back({key_[at], row[at]});
    return to_json(record);
  }

  /// Runs a statement that may fail for what rows hold; then nothing of it happened, and the error is returned.
  Result<std::optional<Error>> attempt(const std::string& sql, std::span<const Value> parameters) {
    TRIUNE_TRY(session_.savepoint(savepoint));
    auto done = session_.execute(sql, parameters);
    std::optional<Error> failed;
    if (!done) {
      if (!is_of_the_row(done.error())) return std::unexpected<Error>(done.error());
      failed = done.error();
      TRIUNE_TRY(session_.rollback_to(savepoint));
    }
    TRIUNE_TRY(session_.release(savepoint));
    return failed;
  }

  /// Fills the rows that `where` selects and that have no value; one by one where they cannot be filled together.
  Status fill(const std::string& where, std::span<const Value> parameters, std::size_t most) {
    const auto unfilled = fmt::format("{} AND {}", where, is_unfilled(change_));
    TRIUNE_ASSIGN(
        const auto failed,
        attempt(fmt::format("UPDATE {} SET {} WHERE {}", table(), forward_assignments(change_), unfilled), parameters));
    if (!failed) return {};
    TRIUNE_ASSIGN(const RowSet rows, session_.query(fmt::format("SELECT {0} FROM {1} WHERE {2} ORDER BY {0} LIMIT {3}",
                                                                keys(), table(), unfilled, most),
                                                    parameters, most));
    for (const auto& row : rows.rows) TRIUNE_TRY(fill_one(row));
    return {};
  }

  /// Reports rows whose old columns say more than the new ones give back.
  Status report_lossy(const std::string& where, std::span<const Value> parameters) {
    if (change_.replaces.empty()) return {};
    const auto sql =
        fmt::format("SELECT {0} FROM {1} WHERE {2} AND NOT ({3}) AND {4} ORDER BY {0} LIMIT {5}", keys(), table(),
                    where, is_unfilled(change_), is_lossy(change_, session_.dialect()), most_reports);
    TRIUNE_TRY(session_.savepoint(savepoint));
    auto rows = session_.query(sql, parameters, most_reports);
    if (!rows && !is_of_the_row(rows.error())) return failure_of(rows);
    // A way back that fails gives nothing back that could be compared.
    if (!rows) TRIUNE_TRY(session_.rollback_to(savepoint));
    TRIUNE_TRY(session_.release(savepoint));
    if (!rows) return {};
    for (const auto& row : rows->rows)
      TRIUNE_TRY(report(row, "lossy", "the way back gives another value than was there"));
    return {};
  }

  Status report(const Row& row, std::string_view kind, const std::string& message) {
    const std::array<Value, 3> parameters{json_of(row), std::string(kind), message.substr(0, 1'000)};
    TRIUNE_TRY(session_.execute(
        fmt::format("INSERT INTO triune_schema_change_rows (row_key, kind, message) SELECT ?1, ?2, ?3 WHERE (SELECT "
                    "count(*) FROM triune_schema_change_rows) < {} ON CONFLICT (row_key, kind) DO UPDATE SET message = "
                    "excluded.message",
                    most_reports),
        parameters));
    return {};
  }

 private:
  Status fill_one(const Row& row) {
    TRIUNE_ASSIGN(const auto failed,
                  attempt(fmt::format("UPDATE {} SET {} WHERE ({}) = ({}) AND {}", table(),
                                      forward_assignments(change_), keys(), places(), is_unfilled(change_)),
                          row));
    return failed ? report(row, "failed", failed->message) : Status();
  }

  RelationalSession& session_;
  const ChangeDefinition& change_;
  const std::vector<std::string>& key_;
};

Result<std::uint64_t> count(RelationalSession& session, const std::string& from) {
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT count(*) FROM " + from, {}, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
}

}  // namespace

Status make_reports(RelationalSession& session) {
  const bool sqlite = session.dialect() == Dialect::sqlite;
  const std::string_view text = sqlite ? "TEXT" : "text";
  return session.execute_script(
      fmt::format("CREATE TABLE IF NOT EXISTS triune_schema_change_rows (row_key {0} NOT NULL, kind {0} NOT NULL CHECK "
                  "(kind IN ('failed', 'lossy')), message {0} NOT NULL, PRIMARY KEY (row_key, kind)){1}",
                  text, sqlite ? " STRICT" : ""));
}

Status forget_reports(RelationalSession& session) {
  TRIUNE_TRY(session.execute("DELETE FROM triune_schema_change_rows", {}));
  return {};
}

Result<ChangeProgress> fill_batch(RelationalSession& session, const ChangeProgress& progress,
                                  const std::vector<std::string>& key) {
  const auto& change = progress.definition;
  Rows rows(session, change, key);
  Row parameters;
  if (!progress.position.empty()) {
    TRIUNE_ASSIGN(const auto position, model::parse_json_object(progress.position));
    for (const auto& field : position) parameters.push_back(field.value);
  }
  const auto above = parameters.empty() ? "TRUE" : fmt::format("({}) > ({})", rows.keys(), rows.places());
  TRIUNE_ASSIGN(const RowSet keys, session.query(fmt::format("SELECT {0} FROM {1} WHERE {2} ORDER BY {0} LIMIT {3}",
                                                             rows.keys(), rows.table(), above, change.batch),
                                                 parameters, change.batch));
  auto next = progress;
  if (keys.rows.empty()) {
    next.phase = "backfilled";
    return next;
  }
  const auto& last = keys.rows.back();
  const auto batch = fmt::format("{} AND ({}) <= ({})", above, rows.keys(), rows.places(parameters.size()));
  parameters.insert(parameters.end(), last.begin(), last.end());
  TRIUNE_TRY(rows.fill(batch, parameters, change.batch));
  TRIUNE_TRY(rows.report_lossy(batch, parameters));
  next.rows_done += keys.rows.size();
  next.position = rows.json_of(last);
  return next;
}

Status fill_rest(RelationalSession& session, const ChangeDefinition& change, const std::vector<std::string>& key) {
  TRIUNE_TRY(session.execute("DELETE FROM triune_schema_change_rows WHERE kind = 'failed'", {}));
  return Rows(session, change, key).fill("TRUE", {}, most_rest);
}

Result<std::string> why_not_contracted(RelationalSession& session, const ChangeDefinition& change,
                                       const std::vector<std::string>& key) {
  TRIUNE_TRY(fill_rest(session, change, key));
  const auto table = quote_identifier(change.table);
  TRIUNE_ASSIGN(const auto failed, count(session, "triune_schema_change_rows WHERE kind = 'failed'"));
  if (failed > 0) {
    TRIUNE_ASSIGN(const RowSet first,
                  session.query("SELECT row_key, message FROM triune_schema_change_rows WHERE kind = 'failed' ORDER BY "
                                "row_key LIMIT 1",
                                {}, 1));
    return fmt::format(
        "{} row(s) of {} could not be converted, the first is {}: {}; mend them (`triune schema change "
        "status` lists them)",
        failed, change.table, to_text(first.rows.at(0).at(0)), to_text(first.rows.at(0).at(1)));
  }
  for (const auto& column : change.columns) {
    if (!column.not_null) continue;
    TRIUNE_ASSIGN(const RowSet first,
                  session.query(fmt::format("SELECT {0} FROM {1} WHERE {2} IS NULL ORDER BY {0} LIMIT 1", key_list(key),
                                            table, quote_identifier(column.name)),
                                {}, 1));
    if (!first.rows.empty())
      return fmt::format("{}.{} is to be NOT NULL, and rows have no value, the first is {}; give them one",
                         change.table, column.name, Rows(session, change, key).json_of(first.rows[0]));
  }
  return std::string();
}

Result<std::vector<ChangeReport>> change_reports(contract::RelationalStore& store, Deadline deadline) {
  std::vector<ChangeReport> reports;
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
  const auto* const there = session->dialect() == Dialect::sqlite
                                ? "SELECT 1 FROM sqlite_master WHERE name = 'triune_schema_change_rows'"
                                : "SELECT 1 WHERE to_regclass('triune_schema_change_rows') IS NOT NULL";
  TRIUNE_ASSIGN(const RowSet table, session->query(there, {}, 1));
  if (table.rows.empty()) return reports;
  TRIUNE_ASSIGN(const RowSet rows,
                session->query("SELECT row_key, kind, message FROM triune_schema_change_rows ORDER BY kind, row_key",
                               {}, most_reports));
  for (const auto& row : rows.rows) reports.push_back({to_text(row[0]), to_text(row[1]), to_text(row[2])});
  return reports;
}

}  // namespace triune::migrate
