#include "migrate/change.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

#include "base/failpoint.h"
#include "base/try.h"
#include "migrate/change_fill.h"
#include "migrate/change_sql.h"
#include "migrate/history.h"
#include "migrate/lock_retry.h"
#include "migrate/migrator_lease.h"
#include "model/sql_text.h"

namespace triune::migrate {
namespace {

using contract::Dialect;
using model::quote_identifier;

constexpr std::int64_t most_rows_at_once = 10'000;
constexpr std::string_view user_series = "user";

constexpr std::string_view sqlite_table =
    "CREATE TABLE IF NOT EXISTS triune_schema_changes (version INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, phase "
    "TEXT NOT NULL CHECK (phase IN ('expanded', 'backfilled')), position TEXT NOT NULL, rows_done INTEGER NOT NULL, "
    "started_at TEXT NOT NULL, started_by TEXT NOT NULL, declaration TEXT NOT NULL) STRICT";
constexpr std::string_view postgres_table =
    "CREATE TABLE IF NOT EXISTS triune_schema_changes (version bigint NOT NULL PRIMARY KEY, name text NOT NULL, phase "
    "text NOT NULL CHECK (phase IN ('expanded', 'backfilled')), position text NOT NULL, rows_done bigint NOT NULL, "
    "started_at text NOT NULL, started_by text NOT NULL, declaration text NOT NULL)";

Result<std::optional<ChangeProgress>> read_progress(contract::RelationalSession& session) {
  const auto* const there = session.dialect() == Dialect::sqlite
                                ? "SELECT 1 FROM sqlite_master WHERE name = 'triune_schema_changes'"
                                : "SELECT 1 WHERE to_regclass('triune_schema_changes') IS NOT NULL";
  TRIUNE_ASSIGN(const RowSet table, session.query(there, {}, 1));
  std::optional<ChangeProgress> none;
  if (table.rows.empty()) return none;
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT version, name, phase, position, rows_done, started_at, "
                                                 "started_by, declaration FROM triune_schema_changes",
                                                 {}, 1));
  if (rows.rows.empty()) return none;
  const auto& row = rows.rows[0];
  ChangeProgress progress{.version = static_cast<std::uint32_t>(std::get<std::int64_t>(row[0])),
                          .name = to_text(row[1]),
                          .phase = to_text(row[2]),
                          .position = to_text(row[3]),
                          .rows_done = static_cast<std::uint64_t>(std::get<std::int64_t>(row[4])),
                          .started_at = to_text(row[5]),
                          .started_by = to_text(row[6]),
                          .declaration = to_text(row[7]),
                          .definition = {}};
  TRIUNE_ASSIGN(progress.definition, parse_change(progress.declaration));
  return std::optional(std::move(progress));
}

Result<ChangeProgress> needed_progress(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(auto progress, read_progress(session));
  if (progress) return std::move(*progress);
  return failure(ErrorCode::not_found, "no change is under way; `triune schema change start` begins one");
}

Status store_progress(contract::RelationalSession& session, const ChangeProgress& progress) {
  const std::array<Value, 4> parameters{std::int64_t{progress.version}, progress.phase, progress.position,
                                        static_cast<std::int64_t>(progress.rows_done)};
  TRIUNE_TRY(session.execute(
      "UPDATE triune_schema_changes SET phase = ?2, position = ?3, rows_done = ?4 WHERE version = ?1", parameters));
  return {};
}

Status forget_progress(contract::RelationalSession& session) {
  TRIUNE_TRY(session.execute("DELETE FROM triune_schema_changes", {}));
  return forget_reports(session);
}

/// A user's statement, as migrations run them.
Status run(const Runner& runner, contract::RelationalSession& session, const std::string& statement) {
  return runner.run ? runner.run(session, statement) : session.execute_script(statement);
}

Result<std::vector<std::string>> key_of(contract::RelationalStore& store, const std::string& table) {
  TRIUNE_ASSIGN(auto columns, store.describe(table));
  std::erase_if(columns, [](const auto& one) { return one.primary_key_position == 0; });
  std::sort(columns.begin(), columns.end(),
            [](const auto& one, const auto& other) { return one.primary_key_position < other.primary_key_position; });
  std::vector<std::string> key;
  for (const auto& column : columns) key.push_back(column.name);
  if (key.empty())
    return failure(ErrorCode::invalid_argument,
                   fmt::format("table {} has no primary key, by which a backfill would go on", table));
  return key;
}

Status expand(const Runner& runner, contract::RelationalSession& session, const ChangeProgress& progress,
              const std::vector<std::string>& key) {
  const auto dialect = session.dialect();
  TRIUNE_TRY(session.execute_script(dialect == Dialect::sqlite ? sqlite_table : postgres_table));
  TRIUNE_ASSIGN(const auto other, read_progress(session));
  if (other) return failure(ErrorCode::conflict, "a change was started meanwhile");
  TRIUNE_TRY(make_reports(session));
  for (const auto& column : progress.definition.columns)
    TRIUNE_TRY(run(runner, session, add_column(progress.definition, column)));
  TRIUNE_TRY(session.execute_script(step_triggers(progress.definition, key, dialect)));
  base::failpoint("migrate.change_expanded");
  const std::array<Value, 5> parameters{std::int64_t{progress.version}, progress.name, progress.started_at,
                                        progress.started_by, progress.declaration};
  TRIUNE_TRY(
      session.execute("INSERT INTO triune_schema_changes (version, name, phase, position, rows_done, started_at, "
                      "started_by, declaration) VALUES (?1, ?2, 'expanded', '', 0, ?3, ?4, ?5)",
                      parameters));
  return {};
}

std::unexpected<Error> under_way(const ChangeProgress& progress) {
  return failure(ErrorCode::conflict,
                 fmt::format("the change {} is under way ({}); finish it with `triune schema change backfill` and "
                             "`contract`, or take it back with `abort`",
                             stem(progress.version, progress.name), progress.phase));
}

/// Why the old columns may not go yet; empty: they may.
Result<std::string> what_is_in_the_way(contract::RelationalSession& session, const std::vector<std::string>& key) {
  TRIUNE_ASSIGN(const auto progress, needed_progress(session));
  if (progress.phase != "backfilled")
    return std::string("rows are not filled yet; run `triune schema change backfill`");
  return why_not_contracted(session, progress.definition, key);
}

/// In PostgreSQL a CHECK that is made NOT VALID and then validated looks at the rows while others write; SET NOT NULL
/// believes it. Each part is a transaction of its own, and does nothing where it was done before.
Status prove_presence(const Runner& runner, const MigratorLease& lease, const ChangeDefinition& change,
                      Deadline deadline) {
  for (const auto& column : change.columns) {
    if (!column.not_null) continue;
    const auto table = quote_identifier(change.table);
    const auto check = quote_identifier(presence_check(change, column));
    TRIUNE_TRY(locked_transaction(runner, lease, deadline, [&](contract::RelationalSession& session) -> Status {
      TRIUNE_TRY(
          session.execute_script(fmt::format("ALTER TABLE {0} DROP CONSTRAINT IF EXISTS {1}; ALTER TABLE {0} ADD "
                                             "CONSTRAINT {1} CHECK ({2} IS NOT NULL) NOT "
                                             "VALID",
                                             table, check, quote_identifier(column.name))));
      base::failpoint("migrate.change_checked");
      return {};
    }));
    TRIUNE_TRY(locked_transaction(runner, lease, deadline, [&](contract::RelationalSession& session) -> Status {
      TRIUNE_TRY(session.execute_script(fmt::format("ALTER TABLE {} VALIDATE CONSTRAINT {}", table, check)));
      base::failpoint("migrate.change_validated");
      return {};
    }));
  }
  return {};
}

/// The end of both worlds side by side.
Status take_old_away(const Runner& runner, contract::RelationalSession& session, const ChangeDefinition& change) {
  const auto dialect = session.dialect();
  TRIUNE_TRY(session.execute_script(drop_step_triggers(change, dialect)));
  for (const auto& column : change.columns) {
    if (!column.not_null) continue;
    for (const auto& statement : enforce_not_null(change, column, dialect)) TRIUNE_TRY(run(runner, session, statement));
    if (dialect == Dialect::postgres)
      TRIUNE_TRY(session.execute_script(fmt::format("ALTER TABLE {} DROP CONSTRAINT {}", quote_identifier(change.table),
                                                    quote_identifier(presence_check(change, column)))));
  }
  for (const auto& old : change.replaces) TRIUNE_TRY(run(runner, session, drop_column(change, old.name)));
  return {};
}

Applied record_of(const ChangeProgress& progress, Dialect dialect) {
  const auto up = change_up_text(progress.definition, dialect);
  return {.series = std::string(user_series),
          .version = progress.version,
          .name = progress.name,
          .checksum = checksum(up),
          .up = up,
          .down = change_down_text(progress.definition, dialect),
          .applied_at = now_text(),
          .applied_by = actor(),
          .duration_ms = 0};
}

}  // namespace

Result<std::optional<ChangeProgress>> change_under_way(contract::RelationalStore& store, Deadline deadline) {
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
  return read_progress(*session);
}

Status no_change_under_way(contract::RelationalStore& store, Deadline deadline) {
  TRIUNE_ASSIGN(const auto progress, change_under_way(store, deadline));
  return progress ? Status(under_way(*progress)) : Status();
}

Status may_apply_at_once(contract::RelationalStore& store, const Migration& migration, Deadline deadline) {
  TRIUNE_TRY(no_change_under_way(store, deadline));
  TRIUNE_ASSIGN(const auto change, parse_change(migration.change));
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
  TRIUNE_ASSIGN(const RowSet rows, session->query(fmt::format("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT {}) AS few",
                                                              quote_identifier(change.table), most_rows_at_once + 1),
                                                  {}, 1));
  if (std::get<std::int64_t>(rows.rows[0][0]) <= most_rows_at_once) return {};
  return failure(
      ErrorCode::conflict,
      fmt::format("{} is a change of table {}, which has more than {} rows: carry it out with `triune schema "
                  "change start`, while the hive is used",
                  stem(migration.version, migration.name), change.table, most_rows_at_once));
}

Result<ChangeProgress> start_change(const Runner& runner, std::span<const Migration> migrations, Deadline deadline) {
  TRIUNE_TRY(prepare_history(runner.store, deadline));
  TRIUNE_ASSIGN(const auto lease, MigratorLease::acquire(runner.store, deadline));
  TRIUNE_TRY(no_change_under_way(runner.store, deadline));
  TRIUNE_ASSIGN(const auto applied, history(runner.store, user_series, deadline));
  TRIUNE_TRY(check_history(applied, migrations));
  if (applied.size() >= migrations.size()) return failure(ErrorCode::not_found, "no migration is pending");
  const auto& migration = migrations[applied.size()];
  if (migration.change.empty())
    return failure(ErrorCode::conflict,
                   fmt::format("the next migration, {}, is no change; apply it first with `triune schema "
                               "apply`",
                               stem(migration.version, migration.name)));
  ChangeProgress progress{.version = migration.version,
                          .name = std::string(migration.name),
                          .phase = "expanded",
                          .position = {},
                          .started_at = now_text(),
                          .started_by = actor(),
                          .declaration = std::string(migration.change),
                          .definition = {}};
  TRIUNE_ASSIGN(progress.definition, parse_change(migration.change));
  TRIUNE_TRY(check_expressions(runner.store, progress.definition, deadline));
  TRIUNE_ASSIGN(const auto key, key_of(runner.store, progress.definition.table));
  TRIUNE_TRY(locked_transaction(runner, lease, deadline, [&](contract::RelationalSession& session) {
    return expand(runner, session, progress, key);
  }));
  return progress;
}

Result<ChangeProgress> backfill_change(const Runner& runner, const BackfillOptions& options, Deadline deadline) {
  TRIUNE_ASSIGN(const auto lease, MigratorLease::acquire(runner.store, deadline));
  TRIUNE_ASSIGN(auto found, change_under_way(runner.store, deadline));
  if (!found) return failure(ErrorCode::not_found, "no change is under way; `triune schema change start` begins one");
  ChangeProgress progress = std::move(*found);
  TRIUNE_ASSIGN(const auto key, key_of(runner.store, progress.definition.table));
  const auto pause = options.pause.value_or(progress.definition.pause);
  if (progress.phase == "backfilled")
    TRIUNE_TRY(locked_transaction(runner, lease, deadline, [&](contract::RelationalSession& session) {
      return fill_rest(session, progress.definition, key);
    }));
  for (std::uint64_t batch = 0; progress.phase == "expanded"; ++batch) {
    if (options.most_batches != 0 && batch >= options.most_batches) break;
    if (options.cancelled && options.cancelled()) break;
    if (deadline.expired())
      return failure(ErrorCode::deadline_exceeded,
                     fmt::format("{} rows are filled; run it again to go on from there", progress.rows_done));
    ChangeProgress next;
    TRIUNE_TRY(locked_transaction(runner, lease, deadline, [&](contract::RelationalSession& session) -> Status {
      TRIUNE_ASSIGN(const auto now, needed_progress(session));
      TRIUNE_ASSIGN(next, fill_batch(session, now, key));
      base::failpoint("migrate.change_batch");
      return store_progress(session, next);
    }));
    progress = std::move(next);
    if (options.progress) options.progress(progress.rows_done);
    if (progress.phase == "expanded") std::this_thread::sleep_for(pause);
  }
  return progress;
}

Result<Applied> contract_change(const Runner& runner, Deadline deadline) {
  TRIUNE_ASSIGN(const auto lease, MigratorLease::acquire(runner.store, deadline));
  const auto began = std::chrono::steady_clock::now();
  TRIUNE_ASSIGN(const auto found, change_under_way(runner.store, deadline));
  if (!found) return failure(ErrorCode::not_found, "no change is under way; `triune schema change start` begins one");
  const auto& change = found->definition;
  TRIUNE_ASSIGN(const auto key, key_of(runner.store, change.table));
  // What was found is kept, so that it can be looked at.
  std::string why;
  TRIUNE_TRY(locked_transaction(runner, lease, deadline, [&](contract::RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(why, what_is_in_the_way(session, key));
    return {};
  }));
  if (!why.empty()) return failure(ErrorCode::conflict, why);
  if (runner.store.capabilities().dialect == Dialect::postgres)
    TRIUNE_TRY(prove_presence(runner, lease, change, deadline));
  Applied record;
  TRIUNE_TRY(locked_transaction(runner, lease, deadline, [&](contract::RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(const auto progress, needed_progress(session));
    TRIUNE_ASSIGN(const auto meanwhile, what_is_in_the_way(session, key));
    if (!meanwhile.empty()) return failure(ErrorCode::conflict, meanwhile);
    record = record_of(progress, session.dialect());
    TRIUNE_TRY(take_old_away(runner, session, progress.definition));
    TRIUNE_TRY(forget_progress(session));
    record.duration_ms =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - began).count();
    base::failpoint("migrate.change_contracted");
    return add_record(session, record);
  }));
  return record;
}

Result<ChangeProgress> abort_change(const Runner& runner, Deadline deadline) {
  TRIUNE_ASSIGN(const auto lease, MigratorLease::acquire(runner.store, deadline));
  ChangeProgress progress;
  TRIUNE_TRY(locked_transaction(runner, lease, deadline, [&](contract::RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(progress, needed_progress(session));
    TRIUNE_TRY(session.execute_script(drop_step_triggers(progress.definition, session.dialect())));
    for (const auto& column : progress.definition.columns)
      TRIUNE_TRY(run(runner, session, drop_column(progress.definition, column.name)));
    base::failpoint("migrate.change_aborted");
    return forget_progress(session);
  }));
  return progress;
}

}  // namespace triune::migrate
