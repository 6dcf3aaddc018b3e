#include "hive/store_identity.h"

#include <fmt/format.h>

#include <array>
#include <optional>

#include "base/try.h"
#include "triune/ids.h"

namespace triune::hive {
namespace {

using contract::Dialect;
using contract::RelationalSession;

/// What tells one history of a PostgreSQL database from another.
struct History {
  std::string system;  ///< Empty where the server does not say.
  std::string database;
  std::string timeline;  ///< Empty where the server does not say.

  [[nodiscard]] std::string text() const { return fmt::format("{}/{}/{}", system, database, timeline); }
};

std::optional<History> parse(std::string_view text) {
  const auto first = text.find('/');
  const auto last = text.rfind('/');
  if (first == std::string_view::npos || first == last) return std::nullopt;
  return History{std::string(text.substr(0, first)), std::string(text.substr(first + 1, last - first - 1)),
                 std::string(text.substr(last + 1))};
}

/// What one of them does not know may be anything.
bool agree(const std::string& left, const std::string& right) {
  return left.empty() || right.empty() || left == right;
}

bool same(const History& left, const History& right) {
  return agree(left.system, right.system) && left.database == right.database && agree(left.timeline, right.timeline);
}

Result<std::string> one_text(RelationalSession& session, std::string_view sql) {
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, {}, 1));
  return rows.rows.empty() ? std::string() : to_text(rows.rows[0][0]);
}

Result<bool> may_call(RelationalSession& session, std::string_view function) {
  const Value name = std::string(function);
  TRIUNE_ASSIGN(
      const RowSet rows,
      session.query("SELECT coalesce(has_function_privilege(to_regprocedure(?1), 'EXECUTE'), false)", {&name, 1}, 1));
  return std::get<bool>(rows.rows.at(0).at(0));
}

Result<History> look(RelationalSession& session) {
  History history;
  TRIUNE_ASSIGN(history.database,
                one_text(session, "SELECT CAST(oid AS text) FROM pg_database WHERE datname = current_database()"));
  TRIUNE_ASSIGN(const bool sees_system, may_call(session, "pg_catalog.pg_control_system()"));
  if (sees_system) {
    TRIUNE_ASSIGN(history.system, one_text(session, "SELECT CAST(system_identifier AS text) FROM pg_control_system()"));
  }
  // The name of the current log file begins with the timeline. The control file learns of a promotion only with the
  // next checkpoint.
  TRIUNE_ASSIGN(const bool sees_timeline, may_call(session, "pg_catalog.pg_walfile_name(pg_lsn)"));
  if (sees_timeline) {
    TRIUNE_ASSIGN(history.timeline, one_text(session,
                                             "SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name("
                                             "pg_current_wal_insert_lsn()), 1, 8) END"));
  }
  return history;
}

struct Stored {
  std::string incarnation;
  std::optional<History> history;
};

Result<Stored> read_stored(RelationalSession& session) {
  Stored stored;
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("SELECT key, value FROM triune_hive WHERE key IN ('incarnation', 'history')", {}, 2));
  for (const auto& row : rows.rows) {
    if (to_text(row[0]) == "incarnation") stored.incarnation = to_text(row[1]);
    if (to_text(row[0]) == "history") stored.history = parse(to_text(row[1]));
  }
  return stored;
}

bool is_settled(const Stored& stored, const History& now) {
  return !stored.incarnation.empty() && stored.history && same(*stored.history, now);
}

Status put(RelationalSession& session, std::string_view key, const std::string& value) {
  const std::array<Value, 2> parameters{std::string(key), value};
  TRIUNE_TRY(
      session.execute("INSERT INTO triune_hive (key, value) VALUES (?1, ?2) "
                      "ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                      parameters));
  return {};
}

/// Everything that is told in lsns.
Status forget_positions(RelationalSession& session) {
  TRIUNE_TRY(session.execute("TRUNCATE triune_change_log", {}));
  TRIUNE_TRY(session.execute("UPDATE triune_commits SET lsn = 0 WHERE lsn <> 0", {}));
  for (const auto* const table : {"triune_log_floors", "triune_cluster_nodes", "triune_leases", "triune_set_aside"})
    TRIUNE_TRY(session.execute(fmt::format("DELETE FROM {}", table), {}));
  return {};
}

/// In a write job: decides again under the lock of the incarnation's row, which all who come here take.
Status settle(RelationalSession& session, StoreIdentity& identity) {
  identity = {};
  const Value fresh = new_id();
  TRIUNE_ASSIGN(
      const std::uint64_t first,
      session.execute("INSERT INTO triune_hive (key, value) VALUES ('incarnation', ?1) ON CONFLICT DO NOTHING",
                      {&fresh, 1}));
  TRIUNE_TRY(session.query("SELECT value FROM triune_hive WHERE key = 'incarnation' FOR UPDATE", {}, 1));
  TRIUNE_ASSIGN(const Stored stored, read_stored(session));
  TRIUNE_ASSIGN(const History now, look(session));
  identity.incarnation = stored.incarnation;
  if (is_settled(stored, now)) return {};
  if (first == 0) {
    TRIUNE_TRY(forget_positions(session));
    identity.incarnation = to_text(fresh);
    TRIUNE_TRY(put(session, "incarnation", identity.incarnation));
  }
  identity.renewed = true;
  return put(session, "history", now.text());
}

std::string note_on(const History& history) {
  std::string unknown;
  if (history.system.empty()) unknown = "a copy of this database on another server";
  if (history.timeline.empty())
    unknown += fmt::format("{}a failover or a restore to the past", unknown.empty() ? "" : " or ");
  if (unknown.empty()) return unknown;
  return fmt::format(
      "{} would go unnoticed: grant this role EXECUTE on pg_control_system() and "
      "pg_walfile_name(pg_lsn)",
      unknown);
}

Result<StoreIdentity> settle_embedded(contract::RelationalStore& store, Deadline deadline) {
  StoreIdentity identity;
  TRIUNE_TRY(store.write(
      [&](RelationalSession& session) -> Status {
        const Value fresh = new_id();
        TRIUNE_ASSIGN(const std::uint64_t first, session.execute("INSERT INTO triune_hive (key, value) VALUES "
                                                                 "('incarnation', ?1) ON CONFLICT DO NOTHING",
                                                                 {&fresh, 1}));
        identity.renewed = first > 0;
        TRIUNE_ASSIGN(identity.incarnation,
                      one_text(session, "SELECT value FROM triune_hive WHERE key = 'incarnation'"));
        return {};
      },
      deadline));
  return identity;
}

}  // namespace

Result<StoreIdentity> settle_incarnation(contract::RelationalStore& store, Deadline deadline) {
  StoreIdentity identity;
  std::string note;
  {
    TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
    TRIUNE_ASSIGN(Stored stored, read_stored(*session));
    identity.incarnation = stored.incarnation;
    if (session->dialect() == Dialect::sqlite) {
      if (!identity.incarnation.empty()) return identity;
    } else {
      TRIUNE_ASSIGN(const History now, look(*session));
      note = note_on(now);
      identity.note = note;
      if (is_settled(stored, now)) return identity;
    }
  }
  if (store.capabilities().dialect == Dialect::sqlite) return settle_embedded(store, deadline);
  TRIUNE_TRY(store.write([&](RelationalSession& session) { return settle(session, identity); }, deadline));
  identity.note = note;
  return identity;
}

Status check_incarnation(contract::RelationalStore& store, const std::string& incarnation, Deadline deadline) {
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
  TRIUNE_ASSIGN(const Stored stored, read_stored(*session));
  if (stored.incarnation == incarnation) {
    if (session->dialect() == Dialect::sqlite) return {};
    TRIUNE_ASSIGN(const History now, look(*session));
    if (is_settled(stored, now)) return {};
  }
  return failure(ErrorCode::conflict,
                 fmt::format("the database went over from history {} to another (a failover or a restore); open the "
                             "hive again",
                             incarnation));
}

}  // namespace triune::hive
