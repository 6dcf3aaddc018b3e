#include "hive/log_horizon.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"

namespace triune::hive {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t most_counted = 1'000'000;
constexpr std::size_t most_holders = 5;

std::int64_t number(const Value& value) {
  return is_null(value) ? 0 : std::get<std::int64_t>(value);
}

milliseconds age(const Value& value) {
  return milliseconds(std::max<std::int64_t>(0, number(value)));
}

/// The transactions that have an id, in whatever database of the server: those alone keep the log from settling, while
/// a transaction that only reads has none. Never the statements' text, which may hold secrets.
Status find_holders(contract::RelationalSession& session, LogHorizon& horizon) {
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query(
          "SELECT process_id, prepared, database, role, application, state, transaction_age, statement_age FROM ("
          "SELECT CAST(pid AS bigint) AS process_id, '' AS prepared, coalesce(CAST(datname AS text), '') AS database, "
          "coalesce(CAST(usename AS text), '') AS role, coalesce(application_name, '') AS application, "
          "coalesce(state, '') AS state, "
          "CAST(extract(epoch FROM clock_timestamp() - xact_start) * 1000 AS bigint) AS transaction_age, "
          "CAST(extract(epoch FROM clock_timestamp() - query_start) * 1000 AS bigint) AS statement_age, "
          "age(backend_xid) AS distance FROM pg_stat_activity "
          "WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid() UNION ALL "
          "SELECT 0, gid, CAST(database AS text), CAST(owner AS text), '', 'prepared', "
          "CAST(extract(epoch FROM clock_timestamp() - prepared) * 1000 AS bigint), 0, age(transaction) "
          "FROM pg_prepared_xacts) AS open_transactions ORDER BY distance DESC LIMIT 5",
          {}, most_holders));
  for (const auto& row : rows.rows)
    horizon.holders.push_back({.process_id = number(row[0]),
                               .prepared_transaction = to_text(row[1]),
                               .database = to_text(row[2]),
                               .user = to_text(row[3]),
                               .application = to_text(row[4]),
                               .state = to_text(row[5]),
                               .transaction_age = age(row[6]),
                               .statement_age = age(row[7])});
  return {};
}

std::string quoted(std::string_view text) {
  std::string literal = "'";
  for (const char character : text) literal.append(character == '\'' ? 2 : 1, character);
  return literal + "'";
}

std::string describe(const LogHolder& holder) {
  const auto seconds = holder.transaction_age.count() / 1000;
  if (holder.process_id == 0)
    return fmt::format(
        "the prepared transaction {} of {} in database {} has been open for {} s; end it there with COMMIT PREPARED {} "
        "or ROLLBACK PREPARED {}",
        quoted(holder.prepared_transaction), holder.user, holder.database, seconds, quoted(holder.prepared_transaction),
        quoted(holder.prepared_transaction));
  return fmt::format(
      "the transaction of process {} ({}{}user {}, database {}, {}) has been open for {} s; end it in that program, or "
      "with SELECT pg_terminate_backend({})",
      holder.process_id, holder.application, holder.application.empty() ? "" : ", ", holder.user, holder.database,
      holder.state, seconds, holder.process_id);
}

/// The oldest entry that waits, when nobody is seen that it waits for.
std::string describe_unseen(std::uint64_t entries) {
  return fmt::format(
      "{} changes wait for a transaction of a role whose sessions this one may not see; grant it "
      "pg_read_all_stats to find it",
      entries);
}

}  // namespace

Result<LogHorizon> log_horizon(contract::RelationalSession& session, std::int64_t organization_id,
                               milliseconds alarm_after) {
  LogHorizon horizon;
  if (session.dialect() == contract::Dialect::sqlite) return horizon;
  const std::array<Value, 2> parameters{organization_id, most_counted};
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query(
          "SELECT count(*), pg_snapshot_xmin(pg_current_snapshot()) < pg_snapshot_xmax(pg_current_snapshot()) "
          "FROM (SELECT 1 FROM triune_change_log WHERE organization_id = ?1 AND lsn >= "
          "CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint) LIMIT ?2) AS unsettled",
          parameters, 1));
  horizon.unsettled_entries = static_cast<std::uint64_t>(number(rows.rows.at(0).at(0)));
  if (!std::get<bool>(rows.rows[0][1])) return horizon;  // no transaction that writes was open
  TRIUNE_TRY(find_holders(session, horizon));
  if (horizon.holders.empty()) {
    // It ended meanwhile, or is hidden: then what waits tells.
    TRIUNE_ASSIGN(const RowSet sees,
                  session.query("SELECT pg_has_role(current_user, 'pg_read_all_stats', 'USAGE')", {}, 1));
    horizon.alarm = horizon.unsettled_entries > 0 && !std::get<bool>(sees.rows.at(0).at(0));
    if (horizon.alarm) horizon.message = describe_unseen(horizon.unsettled_entries);
    return horizon;
  }
  horizon.oldest_age = horizon.holders.front().transaction_age;
  horizon.alarm = horizon.oldest_age >= alarm_after;
  if (horizon.alarm)
    horizon.message = fmt::format("changes committed since do not reach the projections ({} so far): {}",
                                  horizon.unsettled_entries, describe(horizon.holders.front()));
  return horizon;
}

}  // namespace triune::hive
