#include "migrate/migrate.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <array>
#include <ctime>
#include <vector>

#include "base/failpoint.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"

namespace triune::migrate {
namespace {

constexpr std::string_view history_table =
    "CREATE TABLE IF NOT EXISTS triune_migrations ("
    "version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL)";
constexpr int creation_attempts = 5;

std::string checksum(const Migration& migration) {
  return base::sha256_hex(base::as_bytes(migration.sql));
}

std::string file_name(std::int64_t version, std::string_view name) {
  return fmt::format("{:04}_{}.sql", version, name);
}

Status check_applied(const std::vector<Value>& row, std::span<const Migration> migrations) {
  const auto version = std::get<std::int64_t>(row[0]);
  const auto& name = std::get<std::string>(row[1]);
  if (version > static_cast<std::int64_t>(migrations.size()))
    return failure(ErrorCode::conflict,
                   fmt::format("this hive has migration {}, and this program knows only {}: a newer Triune wrote it; "
                               "open it with that version or a later one",
                               file_name(version, name), migrations.size()));
  const auto& known = migrations[static_cast<std::size_t>(version - 1)];
  if (std::get<std::string>(row[2]) != checksum(known))
    return failure(
        ErrorCode::conflict,
        fmt::format("migration {} was edited after it had been applied to this hive; restore its text and put "
                    "the change into a new migration",
                    file_name(version, known.name)));
  return {};
}

Result<std::size_t> check_history(contract::RelationalStore& store, std::span<const Migration> migrations,
                                  Deadline deadline) {
  TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
  TRIUNE_ASSIGN(const RowSet history,
                session->query("SELECT version, name, checksum FROM triune_migrations ORDER BY version", {}, 100'000));
  for (const auto& row : history.rows) TRIUNE_TRY(check_applied(row, migrations));
  return history.rows.size();
}

/// Whether another program has applied it, now that no other can (M4).
Result<bool> applied_meanwhile(contract::RelationalSession& session, const Migration& migration) {
  if (session.dialect() == contract::Dialect::postgres)
    TRIUNE_TRY(session.execute("LOCK TABLE triune_migrations IN SHARE ROW EXCLUSIVE MODE", {}));
  const std::array<Value, 1> parameters{std::int64_t{migration.version}};
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT 1 FROM triune_migrations WHERE version = ?1", parameters, 1));
  return !rows.rows.empty();
}

/// IF NOT EXISTS does not keep two programs apart in PostgreSQL: the later one fails on the catalogue (M4).
Status create_history(contract::RelationalStore& store, Deadline deadline) {
  if (store.describe("triune_migrations")) return {};
  Status made;
  for (int attempt = 0; attempt < creation_attempts; ++attempt) {
    made = store.write(
        [](contract::RelationalSession& session) -> Status { return session.execute_script(history_table); }, deadline);
    if (made || store.describe("triune_migrations")) return {};
  }
  return made;
}

std::string now_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(std::time(nullptr)));
}

Status apply_one(contract::RelationalStore& store, const Migration& migration, Deadline deadline) {
  const auto job = [&](contract::RelationalSession& session) -> Status {
    TRIUNE_ASSIGN(const bool applied, applied_meanwhile(session, migration));
    if (applied) return {};
    TRIUNE_TRY(session.execute_script(migration.sql));
    base::failpoint("migrate.before_record");
    const std::vector<Value> parameters{std::int64_t{migration.version}, std::string(migration.name),
                                        checksum(migration), now_text()};
    TRIUNE_TRY(session.execute(
        "INSERT INTO triune_migrations (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)", parameters));
    return {};
  };
  Status status = store.write(job, deadline);
  if (!status)
    status.error().message =
        fmt::format("migration {}: {}", file_name(migration.version, migration.name), status.error().message);
  return status;
}

}  // namespace

Status apply(contract::RelationalStore& store, std::span<const Migration> migrations, Deadline deadline) {
  TRIUNE_TRY(create_history(store, deadline));
  TRIUNE_ASSIGN(const std::size_t applied, check_history(store, migrations, deadline));
  for (const auto& migration : migrations.subspan(applied)) TRIUNE_TRY(apply_one(store, migration, deadline));
  return {};
}

}  // namespace triune::migrate
