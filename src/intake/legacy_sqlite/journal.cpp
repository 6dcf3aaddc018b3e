#include "intake/legacy_sqlite/journal.h"

#include <fmt/format.h>

#include <array>
#include <chrono>

#include "base/try.h"
#include "hive/relocation.h"

namespace triune::intake::legacy {
namespace {

constexpr std::size_t most_rows = 100'000;

std::int64_t now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t integer(const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  return number == nullptr ? 0 : *number;
}

Step step_of(const std::vector<Value>& row) {
  return {.phase = to_text(row[0]),
          .item = to_text(row[1]),
          .done = to_text(row[2]) == "done",
          .position = to_text(row[3]),
          .entities = static_cast<std::uint64_t>(integer(row[4])),
          .digest = to_text(row[5])};
}

constexpr std::string_view select_steps =
    "SELECT phase, item, state, position, entities, digest FROM triune_relocation_steps "
    "WHERE organization_id = ?1 AND relocation_id = ?2";

}  // namespace

Deadline patient_deadline() {
  return Deadline::after(std::chrono::minutes(30));
}

Journal::Journal(Hive& hive) : hive_(hive), organization_(hive::organization_of(hive)) {}

Result<RowSet> Journal::read(std::string_view sql, std::span<const Value> parameters) {
  TRIUNE_ASSIGN(const auto session, hive::read_relocation(hive_, patient_deadline()));
  return session->query(sql, parameters, most_rows);
}

Result<std::vector<Migration>> Journal::migrations() {
  const std::array<Value, 1> parameters{organization_};
  TRIUNE_ASSIGN(const RowSet rows,
                read("SELECT relocation_id, source, snapshot, plan, plan_hash, approved_by, state, started_at_ms, "
                     "ended_at_ms FROM triune_relocations WHERE organization_id = ?1 ORDER BY relocation_id DESC",
                     parameters));
  std::vector<Migration> migrations;
  for (const auto& row : rows.rows)
    migrations.push_back({.id = integer(row[0]),
                          .source = to_text(row[1]),
                          .snapshot = to_text(row[2]),
                          .plan = to_text(row[3]),
                          .plan_hash = to_text(row[4]),
                          .approved_by = to_text(row[5]),
                          .state = to_text(row[6]),
                          .started_at_ms = integer(row[7]),
                          .ended_at_ms = integer(row[8])});
  return migrations;
}

Result<std::vector<Step>> Journal::steps(std::int64_t migration) {
  const std::array<Value, 2> parameters{organization_, migration};
  TRIUNE_ASSIGN(const RowSet rows,
                read(fmt::format("{} ORDER BY updated_at_ms, phase, item", select_steps), parameters));
  std::vector<Step> steps;
  for (const auto& row : rows.rows) steps.push_back(step_of(row));
  return steps;
}

Result<std::optional<Step>> Journal::step(std::int64_t migration, std::string_view phase, std::string_view item) {
  const std::array<Value, 4> parameters{organization_, migration, std::string(phase), std::string(item)};
  TRIUNE_ASSIGN(const RowSet rows, read(fmt::format("{} AND phase = ?3 AND item = ?4", select_steps), parameters));
  return rows.rows.empty() ? std::nullopt : std::optional(step_of(rows.rows[0]));
}

Result<std::vector<AuditEntry>> Journal::audit(std::int64_t migration) {
  const std::array<Value, 2> parameters{organization_, migration};
  TRIUNE_ASSIGN(const RowSet rows, read("SELECT at_ms, actor, event, detail FROM triune_relocation_audit "
                                        "WHERE organization_id = ?1 AND relocation_id = ?2 ORDER BY entry",
                                        parameters));
  std::vector<AuditEntry> entries;
  for (const auto& row : rows.rows)
    entries.push_back({integer(row[0]), to_text(row[1]), to_text(row[2]), to_text(row[3])});
  return entries;
}

Result<std::int64_t> Journal::begin(contract::RelationalSession& session, const Migration& migration) {
  const std::array<Value, 1> organization{organization_};
  // J2: a directory has one writer, a server many.
  if (session.dialect() == contract::Dialect::postgres)
    TRIUNE_TRY(session.execute("LOCK TABLE triune_relocations IN SHARE ROW EXCLUSIVE MODE", {}));
  TRIUNE_ASSIGN(const RowSet running, session.query("SELECT source FROM triune_relocations WHERE organization_id = ?1 "
                                                    "AND state = 'running' LIMIT 1",
                                                    organization, 1));
  if (!running.rows.empty())
    return failure(ErrorCode::conflict,
                   fmt::format("another migration, of {}, is not finished; apply its plan again to go on with it, or "
                               "take it back with `triune migrate rollback`",
                               to_text(running.rows[0][0])));
  const std::array<Value, 7> parameters{organization_,  migration.source,    migration.snapshot,
                                        migration.plan, migration.plan_hash, migration.approved_by,
                                        now_ms()};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query("INSERT INTO triune_relocations (organization_id, source, snapshot, plan, plan_hash, "
                              "approved_by, state, started_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'running', ?7) "
                              "RETURNING relocation_id",
                              parameters, 1));
  return integer(rows.rows.at(0).at(0));
}

Status Journal::end(contract::RelationalSession& session, std::int64_t migration, std::string_view state) {
  const std::array<Value, 4> parameters{organization_, migration, std::string(state), now_ms()};
  TRIUNE_TRY(
      session.execute("UPDATE triune_relocations SET state = ?3, ended_at_ms = ?4 "
                      "WHERE organization_id = ?1 AND relocation_id = ?2",
                      parameters));
  return {};
}

Status Journal::put(contract::RelationalSession& session, std::int64_t migration, const Step& step) {
  const std::array<Value, 9> parameters{organization_,
                                        migration,
                                        step.phase,
                                        step.item,
                                        std::string(step.done ? "done" : "running"),
                                        step.position,
                                        static_cast<std::int64_t>(step.entities),
                                        step.digest,
                                        now_ms()};
  TRIUNE_TRY(
      session.execute("INSERT INTO triune_relocation_steps (organization_id, relocation_id, phase, item, state, "
                      "position, entities, digest, updated_at_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) "
                      "ON CONFLICT (organization_id, relocation_id, phase, item) DO UPDATE SET state = excluded.state, "
                      "position = excluded.position, entities = excluded.entities, digest = excluded.digest, "
                      "updated_at_ms = excluded.updated_at_ms",
                      parameters));
  return {};
}

Status Journal::advance(contract::RelationalSession& session, std::int64_t migration, const Step& step,
                        std::string_view position) {
  const std::array<Value, 5> parameters{organization_, migration, step.phase, step.item, std::string(position)};
  TRIUNE_ASSIGN(
      const RowSet held,
      session.query("UPDATE triune_relocation_steps SET updated_at_ms = updated_at_ms WHERE organization_id = "
                    "?1 AND relocation_id = ?2 AND phase = ?3 AND item = ?4 AND position = ?5 AND state = "
                    "'running' RETURNING item",
                    parameters, 1));
  if (held.rows.empty())
    return failure(ErrorCode::conflict,
                   "another process goes on with this migration; let it, or stop it and apply the plan again");
  return put(session, migration, step);
}

Status Journal::note(contract::RelationalSession& session, std::int64_t migration, const AuditEntry& entry) {
  const std::array<Value, 6> parameters{organization_, migration,   entry.at_ms == 0 ? now_ms() : entry.at_ms,
                                        entry.actor,   entry.event, entry.detail};
  TRIUNE_TRY(
      session.execute("INSERT INTO triune_relocation_audit (organization_id, relocation_id, at_ms, actor, event, "
                      "detail) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                      parameters));
  return {};
}

Status Journal::put(std::int64_t migration, const Step& step) {
  TRIUNE_ASSIGN(const auto transaction, hive::begin_relocation(hive_, patient_deadline()));
  TRIUNE_TRY(put(transaction->session(), migration, step));
  TRIUNE_TRY(transaction->commit());
  return {};
}

Status Journal::note(std::int64_t migration, std::string_view actor, std::string_view event, std::string_view detail) {
  TRIUNE_ASSIGN(const auto transaction, hive::begin_relocation(hive_, patient_deadline()));
  TRIUNE_TRY(note(transaction->session(), migration,
                  {.actor = std::string(actor), .event = std::string(event), .detail = std::string(detail)}));
  TRIUNE_TRY(transaction->commit());
  return {};
}

}  // namespace triune::intake::legacy
