#include "modules/events/retention.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/try.h"
#include "model/sql_text.h"
#include "modules/events/event_id.h"
#include "modules/events/event_rows.h"
#include "modules/events/patience.h"
#include "modules/kit/rows.h"
#include "triune/ids.h"

namespace triune::modules::events {
namespace {

using contract::Dialect;
using contract::RelationalSession;

constexpr std::int64_t day_ms = 86'400'000;
constexpr std::int64_t longest_days = 36'500;
constexpr std::size_t months_ahead = 3;
/// Rows of one transaction: it holds SQLite's only writer for some milliseconds.
constexpr std::int64_t batch_rows = 2'000;
constexpr std::chrono::minutes detach_patience{10};

/// One month of one organization.
class Leaving {
 public:
  Leaving(const Module& module, const EventMonth& month, const Actor& actor)
      : module_(module),
        month_(month),
        actor_(actor),
        partition_("triune_events_" + month.month.substr(0, 4) + "_" + month.month.substr(5)),
        table_(model::quote_identifier(partition_)) {}

  /// Returns how many events went.
  Result<std::uint64_t> run() {
    if (module_.dialect() == Dialect::sqlite) return run_by_rows();
    TRIUNE_ASSIGN(const bool mine_alone, is_mine_alone("triune_events"));
    if (!mine_alone) return run_by_rows();
    return run_by_partition();
  }

 private:
  Status write(const contract::WriteJob& job) const {
    TRIUNE_TRY(module_.write(actor_, job, patience()));
    return {};
  }
  [[nodiscard]] std::array<Value, 4> range() const {
    return {module_.organization_id(), id_from(month_.from_ms), id_from(month_.until_ms), batch_rows};
  }

  static Status begin_retention(RelationalSession& session) {
    if (session.dialect() == Dialect::sqlite) {
      TRIUNE_TRY(session.execute("UPDATE triune_event_writer SET mode = 2", {}));
      return {};
    }
    return session.execute_soon("SELECT set_config('triune.events', 'retention', true)", {}, {});
  }
  static Status end_retention(RelationalSession& session) {
    if (session.dialect() == Dialect::sqlite)
      TRIUNE_TRY(session.execute("UPDATE triune_event_writer SET mode = 0", {}));
    return {};
  }

  /// In turn with other writers until nothing is left; `sql` deletes at most ?4 rows in the range ?2 to ?3.
  Result<std::uint64_t> delete_in_turns(std::string_view sql) const {
    std::uint64_t all = 0;
    const auto parameters = range();
    while (true) {
      std::uint64_t gone = 0;
      TRIUNE_TRY(write([&](RelationalSession& session) -> Status {
        TRIUNE_TRY(begin_retention(session));
        TRIUNE_ASSIGN(gone, session.execute(sql, parameters));
        return end_retention(session);
      }));
      all += gone;
      if (gone < static_cast<std::uint64_t>(batch_rows)) return all;
    }
  }

  /// What hangs on the events goes with them, by the trigger.
  Result<std::uint64_t> run_by_rows() const {
    TRIUNE_ASSIGN(
        const auto gone,
        delete_in_turns("DELETE FROM triune_events WHERE organization_id = ?1 AND id >= ?2 AND id < ?3 AND id IN "
                        "(SELECT id FROM triune_events WHERE organization_id = ?1 AND id >= ?2 AND id < ?3 "
                        "ORDER BY id LIMIT ?4)"));
    if (module_.dialect() != Dialect::sqlite) return gone;
    const std::array<Value, 3> key{month_.month, id_from(month_.from_ms), id_from(month_.until_ms)};
    TRIUNE_TRY(write([&](RelationalSession& session) -> Status {
      TRIUNE_TRY(
          session.execute("DELETE FROM triune_event_months WHERE month = ?1 AND NOT EXISTS (SELECT 1 FROM "
                          "triune_organizations o CROSS JOIN triune_events e ON e.organization_id = "
                          "o.organization_id AND e.id >= ?2 AND e.id < ?3)",
                          key));
      return {};
    }));
    return gone;
  }

  [[nodiscard]] Result<bool> is_mine_alone(std::string_view table) const {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 3> parameters{module_.organization_id(), id_from(month_.from_ms), id_from(month_.until_ms)};
    TRIUNE_ASSIGN(const RowSet rows,
                  session->query(fmt::format("SELECT 1 FROM triune_organizations o WHERE o.organization_id <> ?1 AND "
                                             "EXISTS (SELECT 1 FROM {} e WHERE e.organization_id = o.organization_id "
                                             "AND e.id >= ?2 AND e.id < ?3) LIMIT 1",
                                             table),
                                 parameters, 1));
    return rows.rows.empty();
  }

  enum class Place : std::uint8_t { attached, half_detached, detached, gone };

  [[nodiscard]] Result<Place> place() const {
    TRIUNE_ASSIGN(const auto session, module_.read(patience()));
    const std::array<Value, 1> name{partition_};
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query("SELECT CAST(i.inhdetachpending AS integer) FROM pg_class c LEFT JOIN pg_inherits i ON "
                       "i.inhrelid = c.oid WHERE c.oid = to_regclass(?1)",
                       name, 1));
    if (rows.rows.empty()) return Place::gone;
    if (is_null(rows.rows[0][0])) return Place::detached;
    return integer(rows.rows[0][0]) == 1 ? Place::half_detached : Place::attached;
  }

  Status set_state(std::string_view state) const {
    const std::array<Value, 2> parameters{month_.month, std::string(state)};
    return write([&](RelationalSession& session) -> Status {
      TRIUNE_TRY(session.execute("UPDATE triune_event_months SET state = ?2 WHERE month = ?1", parameters));
      return {};
    });
  }

  /// A detached partition is nobody's: what is done with it makes no writer wait.
  Result<std::uint64_t> run_by_partition() const {
    TRIUNE_TRY(set_state("leaving"));
    TRIUNE_TRY(detach());
    TRIUNE_ASSIGN(const auto now, place());
    std::uint64_t gone = 0;
    if (now == Place::detached) {
      TRIUNE_ASSIGN(const bool mine_alone, is_mine_alone(table_));
      if (!mine_alone) return attach_again();
      TRIUNE_ASSIGN(gone, forget_contents());
    }
    const std::array<Value, 1> key{month_.month};
    TRIUNE_TRY(write([&](RelationalSession& session) -> Status {
      TRIUNE_TRY(session.execute(fmt::format("DROP TABLE IF EXISTS {}", table_), {}));
      TRIUNE_TRY(session.execute("DELETE FROM triune_event_months WHERE month = ?1", key));
      return {};
    }));
    return gone;
  }

  [[nodiscard]] Status detach() const {
    TRIUNE_ASSIGN(const auto now, place());
    if (now != Place::attached && now != Place::half_detached) return {};
    return module_.access().run_outside(fmt::format("ALTER TABLE triune_events DETACH PARTITION {} {}", table_,
                                                    now == Place::attached ? "CONCURRENTLY" : "FINALIZE"),
                                        Deadline::after(detach_patience));
  }

  /// Another organization wrote into the month at the last moment.
  [[nodiscard]] Result<std::uint64_t> attach_again() const {
    const auto parameters = range();
    TRIUNE_TRY(write([&](RelationalSession& session) -> Status {
      TRIUNE_TRY(session.execute(
          fmt::format("ALTER TABLE triune_events ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})", table_,
                      model::quote_literal(id_from(month_.from_ms)), model::quote_literal(id_from(month_.until_ms))),
          {}));
      return {};
    }));
    TRIUNE_TRY(set_state("open"));
    return run_by_rows();
  }

  /// Keys, chains and deliveries of the events, and how many they were.
  [[nodiscard]] Result<std::uint64_t> forget_contents() const {
    TRIUNE_TRY(
        delete_in_turns("DELETE FROM triune_event_deliveries WHERE organization_id = ?1 AND (subscription_id, "
                        "event_id) IN (SELECT subscription_id, event_id FROM triune_event_deliveries WHERE "
                        "organization_id = ?1 AND event_id >= ?2 AND event_id < ?3 LIMIT ?4)"));
    TRIUNE_TRY(
        delete_in_turns("DELETE FROM triune_event_chains WHERE organization_id = ?1 AND id IN (SELECT id FROM "
                        "triune_event_chains WHERE organization_id = ?1 AND id >= ?2 AND id < ?3 ORDER BY id LIMIT "
                        "?4)"));
    return forget_keys();
  }

  [[nodiscard]] Result<std::uint64_t> forget_keys() const {
    std::uint64_t gone = 0;
    for (std::string after = id_from(month_.from_ms);;) {
      const std::array<Value, 3> parameters{module_.organization_id(), after, batch_rows};
      RowSet rows;
      TRIUNE_TRY(write([&](RelationalSession& session) -> Status {
        TRIUNE_ASSIGN(
            rows,
            session.query(
                fmt::format("WITH part AS (SELECT organization_id, id, source_id, coalesce(external_id, fingerprint) "
                            "AS dedup_key FROM {} WHERE organization_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3), "
                            "keys AS (DELETE FROM triune_event_keys k USING part s WHERE k.organization_id = "
                            "s.organization_id AND k.source_id = s.source_id AND k.dedup_key = s.dedup_key AND "
                            "k.event_id = s.id) SELECT max(id), count(*) FROM part",
                            table_),
                parameters, 1));
        return {};
      }));
      gone += static_cast<std::uint64_t>(integer(rows.rows.at(0).at(1)));
      if (integer(rows.rows[0][1]) < batch_rows) return gone;
      after = to_text(rows.rows[0][0]);
    }
  }

  const Module& module_;
  const EventMonth& month_;
  const Actor& actor_;
  const std::string partition_;
  const std::string table_;
};

Status record(const Module& module, std::int64_t before_ms, const RetentionReport& report, const Actor& actor) {
  const std::array<Value, 6> row{module.organization_id(),
                                 new_id(),
                                 now_ms(),
                                 before_ms,
                                 array_of(report.months),
                                 static_cast<std::int64_t>(report.events)};
  TRIUNE_TRY(module.write(
      actor,
      [&](RelationalSession& session) -> Status {
        TRIUNE_TRY(
            session.execute("INSERT INTO triune_event_retentions (organization_id, id, ran_at_ms, before_ms, "
                            "months, events) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                            row));
        return {};
      },
      patience()));
  return {};
}

}  // namespace

Result<RetentionReport> let_go(const Module& module, Months& months, std::int64_t keep_days, const Actor& actor) {
  if (keep_days < 0 || keep_days > longest_days)
    return failure(ErrorCode::invalid_argument,
                   fmt::format("events are kept for 0 to {} days, not {}", longest_days, keep_days));
  RetentionReport report;
  const auto before = now_ms() - keep_days * day_ms;
  TRIUNE_ASSIGN(const auto all, months.all());
  for (const auto& month : all) {
    if (month.until_ms > before) continue;
    months.forget();
    TRIUNE_ASSIGN(const auto gone, Leaving(module, month, actor).run());
    report.events += gone;
    report.months.push_back(month.month);
  }
  if (!report.months.empty()) TRIUNE_TRY(record(module, before, report, actor));
  TRIUNE_ASSIGN(report.made, months.make(months_ahead, actor));
  return report;
}

}  // namespace triune::modules::events
