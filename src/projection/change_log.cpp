#include "projection/change_log.h"

#include <fmt/format.h>

#include <array>

#include "base/try.h"

namespace triune::projection {
namespace {

using contract::Dialect;

/// A transaction with more entries than this is taken over by making the projection anew.
constexpr std::size_t transaction_limit = 1'000'000;

#define TRIUNE_OLDEST_RUNNING "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)"
#define TRIUNE_OWN_TRANSACTION "CAST(CAST(pg_current_xact_id_if_assigned() AS text) AS bigint)"

Result<std::uint64_t> one_number(contract::RelationalSession& session, std::string_view sql,
                                 std::span<const Value> parameters) {
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, parameters, 1));
  return static_cast<std::uint64_t>(std::get<std::int64_t>(rows.rows.at(0).at(0)));
}

/// Of the running transaction, or of the newest one when that made no difference: others may have committed with a
/// greater id since this one began. SQLite's log is of all organizations; its
/// statement takes the number only to be called alike.
std::string_view commit_lsn_sql(Dialect dialect) {
  if (dialect == Dialect::sqlite) return "SELECT coalesce((SELECT max(lsn) FROM triune_change_log), ?1 * 0)";
  return "SELECT coalesce((SELECT lsn FROM triune_change_log WHERE organization_id = ?1 AND lsn "
         "= " TRIUNE_OWN_TRANSACTION
         " LIMIT 1), (SELECT max(lsn) FROM triune_change_log WHERE organization_id = ?1), 0)";
}

Operation parse_operation(std::string_view text) {
  if (text == "delete") return Operation::remove;
  return text == "load" ? Operation::load : Operation::put;
}

Result<LogBatch> read_sqlite(contract::RelationalSession& session, std::int64_t organization_id, std::uint64_t after,
                             std::size_t limit) {
  LogBatch batch;
  batch.last_lsn = after;
  const std::array<Value, 2> parameters{static_cast<std::int64_t>(after), static_cast<std::int64_t>(limit)};
  TRIUNE_TRY(
      session.visit("SELECT lsn, organization_id, collection_id, key, operation FROM triune_change_log WHERE lsn > ?1 "
                    "ORDER BY lsn LIMIT ?2",
                    parameters, [&](std::span<const Value> row) -> Status {
                      batch.last_lsn = static_cast<std::uint64_t>(std::get<std::int64_t>(row[0]));
                      if (std::get<std::int64_t>(row[1]) != organization_id) return {};
                      batch.entries.push_back({.lsn = batch.last_lsn,
                                               .collection_id = std::get<std::int64_t>(row[2]),
                                               .key = row[3],
                                               .operation = parse_operation(std::get<std::string>(row[4]))});
                      return {};
                    }));
  TRIUNE_ASSIGN(batch.head, log_head(session, organization_id));
  batch.more = batch.last_lsn < batch.head;
  return batch;
}

/// Entries under a condition on the log `l`, in the order of their lsn and within it.
Result<std::vector<LogEntry>> read_entries(contract::RelationalSession& session, std::string_view condition,
                                           std::span<const Value> parameters) {
  std::vector<LogEntry> entries;
  TRIUNE_TRY(session.visit(fmt::format("SELECT l.lsn, l.collection_id, l.key, l.operation FROM triune_change_log l "
                                       "WHERE l.organization_id = ?1 AND {}",
                                       condition),
                           parameters, [&](std::span<const Value> row) -> Status {
                             entries.push_back({.lsn = static_cast<std::uint64_t>(std::get<std::int64_t>(row[0])),
                                                .collection_id = std::get<std::int64_t>(row[1]),
                                                .key = row[2],
                                                .operation = parse_operation(std::get<std::string>(row[3]))});
                             return {};
                           }));
  return entries;
}

/// The entries of a read that met its limit, without the transaction it may have cut in two.
Status keep_whole_transactions(contract::RelationalSession& session, std::int64_t organization_id, LogBatch& batch) {
  const std::uint64_t last = batch.entries.back().lsn;
  if (batch.entries.front().lsn != last) {
    while (batch.entries.back().lsn == last) batch.entries.pop_back();
    return {};
  }
  const std::array<Value, 3> parameters{organization_id, static_cast<std::int64_t>(last),
                                        static_cast<std::int64_t>(transaction_limit) + 1};
  TRIUNE_ASSIGN(batch.entries, read_entries(session, "l.lsn = ?2 ORDER BY l.entry LIMIT ?3", parameters));
  batch.too_large = batch.entries.size() > transaction_limit;
  if (batch.too_large) batch.entries.clear();
  return {};
}

Result<LogBatch> read_postgres(contract::RelationalSession& session, std::int64_t organization_id, std::uint64_t after,
                               std::size_t limit) {
  LogBatch batch;
  batch.last_lsn = after;
  const std::array<Value, 2> all{organization_id, static_cast<std::int64_t>(after)};
  // The usual answer is that there is nothing new, so that is asked first.
  TRIUNE_ASSIGN(
      const RowSet heads,
      session.query("SELECT coalesce(max(lsn), ?2), coalesce(max(lsn) FILTER (WHERE lsn < " TRIUNE_OLDEST_RUNNING
                    "), ?2), (SELECT coalesce(max(lsn), 0) FROM triune_log_floors WHERE organization_id = ?1) "
                    "FROM (SELECT lsn FROM triune_change_log WHERE organization_id = ?1 AND lsn > ?2 "
                    "UNION ALL SELECT NULL) AS l",
                    all, 1));
  const auto visible = static_cast<std::uint64_t>(std::get<std::int64_t>(heads.rows.at(0).at(0)));
  batch.head = static_cast<std::uint64_t>(std::get<std::int64_t>(heads.rows[0][1]));
  batch.more = visible > after;
  // The node slept so long that it was forgotten.
  batch.swept = static_cast<std::uint64_t>(std::get<std::int64_t>(heads.rows[0][2])) > after;
  if (batch.head <= after || batch.swept) return batch;
  const std::array<Value, 4> parameters{organization_id, static_cast<std::int64_t>(after),
                                        static_cast<std::int64_t>(batch.head), static_cast<std::int64_t>(limit)};
  TRIUNE_ASSIGN(batch.entries,
                read_entries(session, "l.lsn > ?2 AND l.lsn <= ?3 ORDER BY l.lsn, l.entry LIMIT ?4", parameters));
  if (batch.entries.size() == limit) TRIUNE_TRY(keep_whole_transactions(session, organization_id, batch));
  if (!batch.entries.empty()) batch.last_lsn = batch.entries.back().lsn;
  batch.more = batch.last_lsn < visible;
  batch.overtaken = batch.more;
  return batch;
}

}  // namespace

Result<std::uint64_t> log_head(contract::RelationalSession& session, std::int64_t organization_id) {
  if (session.dialect() == Dialect::sqlite)
    return one_number(session, "SELECT coalesce(max(lsn), 0) FROM triune_change_log", {});
  const std::array<Value, 1> parameters{organization_id};
  return one_number(session, "SELECT coalesce(max(lsn), 0) FROM triune_change_log WHERE organization_id = ?1",
                    parameters);
}

Result<std::uint64_t> log_start(contract::RelationalSession& session, std::int64_t organization_id) {
  if (session.dialect() == Dialect::sqlite)
    return one_number(session, "SELECT coalesce(min(lsn), 1) FROM triune_change_log", {});
  const std::array<Value, 1> parameters{organization_id};
  return one_number(session, "SELECT coalesce(max(lsn), 0) + 1 FROM triune_log_floors WHERE organization_id = ?1",
                    parameters);
}

Result<std::uint64_t> commit_lsn(contract::RelationalSession& session, std::int64_t organization_id) {
  const std::array<Value, 1> parameters{organization_id};
  return one_number(session, commit_lsn_sql(session.dialect()), parameters);
}

Status commit_lsn_soon(contract::RelationalSession& session, std::int64_t organization_id, RowSet& answer) {
  const std::array<Value, 1> parameters{organization_id};
  return session.execute_soon(commit_lsn_sql(session.dialect()), parameters, {.rows = &answer, .at_end = true});
}

std::uint64_t lsn_in(const RowSet& answer) {
  return static_cast<std::uint64_t>(std::get<std::int64_t>(answer.rows.at(0).at(0)));
}

Result<Logged> logged(contract::RelationalSession& session, std::int64_t organization_id, std::uint64_t before) {
  Logged result;
  TRIUNE_ASSIGN(result.lsn, commit_lsn(session, organization_id));
  if (session.dialect() == Dialect::sqlite) {
    result.entries = result.lsn - before;
    return result;
  }
  const std::array<Value, 1> parameters{organization_id};
  TRIUNE_ASSIGN(result.entries, one_number(session,
                                           "SELECT count(*) FROM triune_change_log WHERE organization_id = ?1 "
                                           "AND lsn = " TRIUNE_OWN_TRANSACTION,
                                           parameters));
  return result;
}

Result<std::uint64_t> count_graph_entries(contract::RelationalSession& session, std::int64_t organization_id,
                                          std::uint64_t after) {
  const std::array<Value, 2> parameters{static_cast<std::int64_t>(after), organization_id};
  return one_number(session,
                    "SELECT count(*) FROM triune_change_log WHERE lsn > ?1 AND organization_id = ?2 "
                    "AND collection_id IN (SELECT collection_id FROM triune_collections "
                    "WHERE organization_id = ?2 AND kind IN ('label', 'type'))",
                    parameters);
}

Result<LogBatch> read_log(contract::RelationalSession& session, std::int64_t organization_id, std::uint64_t after,
                          std::size_t limit) {
  if (session.dialect() == Dialect::sqlite) return read_sqlite(session, organization_id, after, limit);
  return read_postgres(session, organization_id, after, limit);
}

Result<bool> add_unsettled(contract::RelationalSession& session, std::int64_t organization_id, LogBatch& batch,
                           std::size_t limit) {
  if (!batch.overtaken) return true;
  if (batch.last_lsn != batch.head) return false;
  const std::array<Value, 3> parameters{organization_id, static_cast<std::int64_t>(batch.head),
                                        static_cast<std::int64_t>(limit) + 1};
  TRIUNE_ASSIGN(const auto ahead, read_entries(session, "l.lsn > ?2 ORDER BY l.lsn, l.entry LIMIT ?3", parameters));
  if (ahead.size() > limit) return false;
  for (auto entry : ahead) {
    if (entry.operation == Operation::load) continue;
    entry.lsn = batch.last_lsn;
    batch.entries.push_back(std::move(entry));
  }
  return true;
}

Result<std::vector<LogEntry>> read_unsettled(contract::RelationalSession& session, std::int64_t organization_id) {
  if (session.dialect() == Dialect::sqlite) return std::vector<LogEntry>();
  const std::array<Value, 2> parameters{organization_id, static_cast<std::int64_t>(transaction_limit)};
  return read_entries(session, "l.lsn >= " TRIUNE_OLDEST_RUNNING " ORDER BY l.lsn, l.entry LIMIT ?2", parameters);
}

std::unexpected<Error> still_settling(std::string_view name) {
  Error error{.code = ErrorCode::unavailable,
              .message = fmt::format("{}: a load has committed while an older transaction still runs; try again when "
                                     "that has ended",
                                     name),
              .engine = {},
              .native_code = {}};
  error.retry = Retry::safe;
  return std::unexpected<Error>(std::move(error));
}

Status raise_log_floor(contract::RelationalSession& session, std::int64_t organization_id, std::uint64_t lsn) {
  const std::array<Value, 2> parameters{organization_id, static_cast<std::int64_t>(lsn)};
  TRIUNE_TRY(session.execute(
      "INSERT INTO triune_log_floors (organization_id, lsn) VALUES (?1, ?2 - 1) ON CONFLICT (organization_id) "
      "DO UPDATE SET lsn = greatest(triune_log_floors.lsn, excluded.lsn)",
      parameters));
  return {};
}

Result<std::uint64_t> trim_log_step(contract::RelationalSession& session, std::int64_t organization_id,
                                    std::uint64_t lsn, std::size_t limit) {
  const auto below = static_cast<std::int64_t>(lsn);
  const auto most = static_cast<std::int64_t>(limit);
  // Along the primary key: the place of the last entry of the step first, then all up to it.
  const std::array<Value, 3> range{organization_id, below, most - 1};
  TRIUNE_ASSIGN(const RowSet last,
                session.query("SELECT lsn, entry FROM triune_change_log WHERE organization_id = ?1 AND lsn < ?2 "
                              "ORDER BY lsn, entry OFFSET ?3 LIMIT 1",
                              range, 1));
  if (last.rows.empty()) {
    const std::array<Value, 2> rest{organization_id, below};
    return session.execute("DELETE FROM triune_change_log WHERE organization_id = ?1 AND lsn < ?2", rest);
  }
  const std::array<Value, 3> step{organization_id, last.rows[0][0], last.rows[0][1]};
  return session.execute("DELETE FROM triune_change_log WHERE organization_id = ?1 AND (lsn, entry) <= (?2, ?3)", step);
}

Status trim_log_below(contract::RelationalSession& session, std::uint64_t lsn) {
  const std::array<Value, 1> parameters{static_cast<std::int64_t>(lsn)};
  TRIUNE_TRY(session.execute("DELETE FROM triune_change_log WHERE lsn < ?1", parameters));
  return {};
}

Result<std::uint64_t> settled_head(contract::RelationalSession& session, std::int64_t organization_id) {
  if (session.dialect() == Dialect::sqlite) return log_head(session, organization_id);
  const std::array<Value, 1> parameters{organization_id};
  return one_number(session,
                    "SELECT coalesce(max(lsn), 0) FROM triune_change_log WHERE organization_id = ?1 "
                    "AND lsn < " TRIUNE_OLDEST_RUNNING,
                    parameters);
}

}  // namespace triune::projection
