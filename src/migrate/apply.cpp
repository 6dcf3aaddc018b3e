#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/failpoint.h"
#include "base/try.h"
#include "migrate/history.h"
#include "migrate/lock_retry.h"
#include "migrate/migrate.h"
#include "migrate/migrator_lease.h"

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
    TRIUNE_TRY(named(migration.version, migration.name, "up", in_transaction([&](auto& session) -> Status {
                       applied.reset();
                       TRIUNE_ASSIGN(const auto known, find_record(session, series_, migration.version));
                       if (known) return {};
                       TRIUNE_TRY(run(session, migration.sql));
                       applied = record_of(migration, milliseconds_since(began));
                       base::failpoint("migrate.before_record");
                       return add_record(session, *applied);
                     })));
    return applied;
  }

  Status revert(const Applied& applied) {
    return named(applied.version, applied.name, "down", in_transaction([&](auto& session) -> Status {
                   TRIUNE_TRY(run(session, applied.down));
                   base::failpoint("migrate.before_forget");
                   return remove_record(session, series_, applied.version);
                 }));
  }

 private:
  template <class Work>
  Status in_transaction(const Work& work) {
    return with_lock_retries(deadline_, [&](std::chrono::milliseconds limit) {
      const contract::WriteJob job = [&](contract::RelationalSession& session) -> Status {
        TRIUNE_TRY(limit_lock_waits(session, limit));
        TRIUNE_TRY(lease_.hold(session));
        return work(session);
      };
      return runner_.transaction ? runner_.transaction(job, deadline_) : runner_.store.write(job, deadline_);
    });
  }

  Status run(contract::RelationalSession& session, std::string_view text) {
    return runner_.run ? runner_.run(session, text) : session.execute_script(text);
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
  std::erase_if(applied, [to](const Applied& one) { return one.version <= to; });
  std::reverse(applied.begin(), applied.end());
  for (const auto& one : applied)
    if (one.down.empty())
      return failure(ErrorCode::invalid_argument,
                     fmt::format("migration {} was applied without a down text and cannot be reverted; write a new "
                                 "migration that undoes it",
                                 stem(one.version, one.name)));
  Migrator migrator(runner, series, lease, deadline);
  for (const auto& one : applied) TRIUNE_TRY(migrator.revert(one));
  return applied;
}

Result<std::vector<Applied>> history(contract::RelationalStore& store, std::string_view series, Deadline deadline) {
  return read(store, series, true, deadline);
}

}  // namespace triune::migrate
