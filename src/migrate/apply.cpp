#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <thread>

#include "base/failpoint.h"
#include "base/try.h"
#include "migrate/change.h"
#include "migrate/history.h"
#include "migrate/lock_retry.h"
#include "migrate/migrate.h"
#include "migrate/migrator_lease.h"
#include "migrate/sql_script.h"

namespace triune::migrate {
namespace {

using Clock = std::chrono::steady_clock;

std::int64_t milliseconds_since(Clock::time_point began) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - began).count();
}

/// Applies and reverts under a lease.
class Migrator {
 public:
  Migrator(const Runner& runner, std::string_view series, const MigratorLease& lease, Deadline deadline)
      : runner_(runner), series_(series), lease_(lease), deadline_(deadline) {}

  /// Nothing when it was there already.
  Result<std::optional<Applied>> apply(const Migration& migration) {
    std::optional<Applied> applied;
    const auto began = Clock::now();
    const auto dialect = runner_.store.capabilities().dialect;
    auto script = parse_script(migration.sql, dialect);
    if (!script) return failure_of(name_error(migration, script));
    if (!migration.change.empty()) TRIUNE_TRY(may_apply_at_once(runner_.store, migration, deadline_));
    // SQLite has nothing that must run outside.
    const bool outside = !script->in_transaction && dialect == contract::Dialect::postgres;
    if (outside) TRIUNE_TRY(named(migration.version, migration.name, "up", run_outside(*script)));
    TRIUNE_TRY(named(migration.version, migration.name, "up",
                     in_transaction([&](contract::RelationalSession& session) -> Status {
                       applied.reset();
                       TRIUNE_ASSIGN(const auto known, find_record(session, series_, migration.version));
                       if (known) return {};
                       if (!outside) TRIUNE_TRY(run(session, migration.sql));
                       applied = record_of(migration, milliseconds_since(began));
                       base::failpoint("migrate.before_record");
                       return add_record(session, *applied);
                     })));
    return applied;
  }

  Status revert(const Applied& applied) {
    return named(applied.version, applied.name, "down",
                 in_transaction([&](contract::RelationalSession& session) -> Status {
                   TRIUNE_TRY(run(session, applied.down));
                   base::failpoint("migrate.before_forget");
                   return remove_record(session, series_, applied.version);
                 }));
  }

 private:
  Status in_transaction(const contract::WriteJob& work) { return locked_transaction(runner_, lease_, deadline_, work); }

  Status run(contract::RelationalSession& session, std::string_view text) {
    if (!runner_.run) {
      TRIUNE_TRY(pin_search_path(session));
      return session.execute_script(text);
    }
    TRIUNE_ASSIGN(const auto script, parse_script(text, session.dialect()));
    for (const auto& statement : script.statements) {
      auto ran = runner_.run(session, statement.text);
      if (ran) continue;
      ran.error().message = fmt::format("line {}: {}", statement.line, ran.error().message);
      return ran;
    }
    return {};
  }

  /// What functions with their owner's rights keep (SET search_path FROM CURRENT): temporary tables come last, or
  /// whoever may write to a table could put one in the place of ours.
  static Status pin_search_path(contract::RelationalSession& session) {
    if (session.dialect() != contract::Dialect::postgres) return {};
    return session.execute_script(
        "SELECT set_config('search_path', quote_ident(current_schema()) || ', pg_temp', true)");
  }

  /// Statement by statement, the lease being looked at before each and kept alive during it.
  Status run_outside(const Script& script) {
    for (const auto& statement : script.statements) {
      if (runner_.run) TRIUNE_TRY(check_outside(statement));
      TRIUNE_TRY(lease_.renew(deadline_));
      const std::jthread keeper([this](const std::stop_token& stop) { keep_lease(stop); });
      auto ran = runner_.store.run_outside(statement.text, deadline_);
      if (ran) continue;
      ran.error().message = fmt::format("line {}: {}", statement.line, ran.error().message);
      return ran;
    }
    return check_indexes();
  }

  void keep_lease(const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any ended;
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, stop, lease_.lasts() / 3, [&stop] { return stop.stop_requested(); }))
      // When this fails, the check before the record says so.
      static_cast<void>(lease_.renew(Deadline::after(lease_.lasts() / 3)));
  }

  /// What users may do outside of a transaction, where the rules for their statements do not reach.
  static Status check_outside(const ScriptStatement& statement) {
    bool allowed = false;
    for (const auto* const form :
         {"create index concurrently", "create unique index concurrently", "drop index concurrently",
          "reindex index concurrently", "reindex table concurrently"})
      allowed = allowed || statement.has(0, form);
    for (const auto& word : statement.words) allowed = allowed && !word.name().starts_with("triune_");
    if (allowed) return {};
    return failure(ErrorCode::permission_denied,
                   fmt::format("line {}: outside of a transaction there may only be CREATE, DROP and REINDEX … "
                               "CONCURRENTLY of indexes of your own",
                               statement.line));
  }

  /// CREATE INDEX CONCURRENTLY leaves an index behind that nothing uses when it fails.
  Status check_indexes() {
    TRIUNE_ASSIGN(const auto session, runner_.store.read(contract::ReadScope::internal, deadline_));
    TRIUNE_ASSIGN(
        const RowSet rows,
        session->query("SELECT CAST(indexrelid::regclass AS text) FROM pg_index i JOIN pg_class c ON c.oid = "
                       "i.indexrelid WHERE NOT indisvalid AND c.relnamespace = current_schema()::regnamespace",
                       {}, 1));
    if (rows.rows.empty()) return {};
    return failure(ErrorCode::conflict,
                   fmt::format("the index {0} was left invalid; DROP INDEX CONCURRENTLY {0}, and run this again",
                               to_text(rows.rows[0][0])));
  }

  Applied record_of(const Migration& migration, std::int64_t duration_ms) const {
    return {.series = series_,
            .version = migration.version,
            .name = std::string(migration.name),
            .checksum = checksum(migration.sql),
            .up = std::string(migration.sql),
            .down = std::string(migration.down),
            .applied_at = now_text(),
            .applied_by = actor(),
            .duration_ms = duration_ms};
  }

  static Result<Script>& name_error(const Migration& migration, Result<Script>& script) {
    script.error().message =
        fmt::format("migration {}.up.sql: {}", stem(migration.version, migration.name), script.error().message);
    return script;
  }

  static Status named(std::uint32_t version, std::string_view name, std::string_view direction, Status status) {
    if (!status)
      status.error().message =
          fmt::format("migration {}.{}.sql: {}", stem(version, name), direction, status.error().message);
    return status;
  }

  const Runner& runner_;
  const std::string series_;
  const MigratorLease& lease_;
  const Deadline deadline_;
};

Result<std::vector<Applied>> read(contract::RelationalStore& store, std::string_view series, bool texts,
                                  Deadline deadline) {
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
  TRIUNE_ASSIGN(const bool present, has_history(*session));
  if (!present) return std::vector<Applied>();
  return read_history(*session, series, texts);
}

bool is_complete(std::span<const Applied> applied, std::span<const Migration> migrations, std::uint32_t to) {
  return applied.size() >= std::min<std::size_t>(migrations.size(), to);
}

}  // namespace

Status apply(contract::RelationalStore& store, std::string_view series, std::span<const Migration> migrations,
             Deadline deadline) {
  TRIUNE_TRY(apply(Runner{.store = store, .transaction = {}, .run = {}}, series, migrations, deadline));
  return {};
}

Result<std::vector<Applied>> apply(const Runner& runner, std::string_view series, std::span<const Migration> migrations,
                                   Deadline deadline, const ApplyOptions& options) {
  TRIUNE_TRY(prepare_history(runner.store, deadline));
  std::vector<Applied> done;
  {
    TRIUNE_ASSIGN(const auto applied, read(runner.store, series, false, deadline));
    TRIUNE_TRY(check_history(applied, migrations));
    if (is_complete(applied, migrations, options.to)) return done;
  }
  TRIUNE_ASSIGN(const auto lease, MigratorLease::acquire(runner.store, deadline));
  base::failpoint("migrate.lease_taken");
  if (series == "user") TRIUNE_TRY(no_change_under_way(runner.store, deadline));
  // Another may have been at work while this one waited for the lease.
  TRIUNE_ASSIGN(const auto applied, read(runner.store, series, false, deadline));
  TRIUNE_TRY(check_history(applied, migrations));
  Migrator migrator(runner, series, lease, deadline);
  for (const auto& migration : migrations.subspan(std::min(applied.size(), migrations.size()))) {
    if (migration.version > options.to) break;
    if (options.progress) options.progress(migration);
    TRIUNE_ASSIGN(auto record, migrator.apply(migration));
    if (record) done.push_back(std::move(*record));
    base::failpoint("migrate.applied");
  }
  return done;
}

Result<std::vector<Applied>> revert(const Runner& runner, std::string_view series, std::uint32_t to,
                                    Deadline deadline) {
  TRIUNE_TRY(prepare_history(runner.store, deadline));
  TRIUNE_ASSIGN(const auto lease, MigratorLease::acquire(runner.store, deadline));
  TRIUNE_ASSIGN(auto applied, read(runner.store, series, true, deadline));
  if (series == "user") TRIUNE_TRY(no_change_under_way(runner.store, deadline));
  std::erase_if(applied, [to](const Applied& one) { return one.version <= to; });
  std::reverse(applied.begin(), applied.end());
  for (const auto& one : applied) {
    TRIUNE_ASSIGN(const auto script, parse_script(one.down, runner.store.capabilities().dialect));
    if (script.statements.empty())
      return failure(ErrorCode::invalid_argument,
                     fmt::format("migration {} was applied without a down text and cannot be reverted; write a new "
                                 "migration that undoes it",
                                 stem(one.version, one.name)));
  }
  Migrator migrator(runner, series, lease, deadline);
  for (const auto& one : applied) TRIUNE_TRY(migrator.revert(one));
  return applied;
}

Result<std::vector<Applied>> history(contract::RelationalStore& store, std::string_view series, Deadline deadline) {
  return read(store, series, true, deadline);
}

}  // namespace triune::migrate
