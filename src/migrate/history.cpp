#include "migrate/history.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

#include <array>
#include <ctime>

#include "base/file.h"
#include "base/hash.h"
#include "base/try.h"

namespace triune::migrate {
namespace {

using contract::Dialect;

constexpr int creation_attempts = 5;
constexpr std::size_t most_migrations = 100'000;

constexpr std::string_view sqlite_tables = R"(
CREATE TABLE triune_schema_history (
  series TEXT NOT NULL CHECK (length(series) BETWEEN 1 AND 200),
  version INTEGER NOT NULL CHECK (version > 0),
  name TEXT NOT NULL,
  checksum TEXT NOT NULL,
  up_sql TEXT NOT NULL,
  down_sql TEXT NOT NULL,
  applied_at TEXT NOT NULL,
  applied_by TEXT NOT NULL,
  duration_ms INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  PRIMARY KEY (series, version)
) STRICT, WITHOUT ROWID;
CREATE TABLE triune_schema_lease (
  name TEXT NOT NULL PRIMARY KEY,
  holder TEXT NOT NULL,
  token INTEGER NOT NULL,
  expires_at_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
)";

constexpr std::string_view postgres_tables = R"(
CREATE TABLE triune_schema_history (
  series text NOT NULL CHECK (length(series) BETWEEN 1 AND 200),
  version bigint NOT NULL CHECK (version > 0),
  name text NOT NULL,
  checksum text NOT NULL,
  up_sql text NOT NULL,
  down_sql text NOT NULL,
  applied_at text NOT NULL,
  applied_by text NOT NULL,
  duration_ms bigint NOT NULL,
  sequence bigint NOT NULL,
  PRIMARY KEY (series, version)
);
CREATE TABLE triune_schema_lease (
  name text NOT NULL PRIMARY KEY,
  holder text NOT NULL,
  token bigint NOT NULL,
  expires_at_ms bigint NOT NULL
);
)";

constexpr std::string_view take_over =
    "INSERT INTO triune_schema_history (series, version, name, checksum, up_sql, down_sql, applied_at, applied_by, "
    "duration_ms, sequence) SELECT 'hive', version, name, checksum, '', '', applied_at, '', 0, version "
    "FROM triune_migrations";

/// What a table of that name is: "table", "view", or nothing.
Result<std::string> kind_of(contract::RelationalSession& session, std::string_view name) {
  const std::array<Value, 1> parameters{std::string(name)};
  const auto* const sql = session.dialect() == Dialect::sqlite
                              ? "SELECT type FROM sqlite_master WHERE name = ?1 AND type IN ('table', 'view')"
                              : "SELECT CASE relkind WHEN 'v' THEN 'view' ELSE 'table' END FROM pg_class "
                                "WHERE oid = to_regclass(quote_ident(?1))";
  TRIUNE_ASSIGN(const RowSet rows, session.query(sql, parameters, 1));
  return rows.rows.empty() ? std::string() : to_text(rows.rows[0][0]);
}

/// Records of earlier programs lack the texts; this program has them, unless it is older than the records.
Status fill_texts(contract::RelationalSession& session) {
  for (const auto& known : migrations(session.dialect())) {
    const std::array<Value, 4> parameters{std::int64_t{known.version}, checksum(known.sql), std::string(known.sql),
                                          std::string(known.down)};
    TRIUNE_TRY(
        session.execute("UPDATE triune_schema_history SET up_sql = ?3, down_sql = ?4 "
                        "WHERE series = 'hive' AND version = ?1 AND checksum = ?2",
                        parameters));
  }
  return {};
}

Status create_tables(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const bool made, has_history(session));
  if (made) return {};
  const bool postgres = session.dialect() == Dialect::postgres;
  TRIUNE_TRY(session.execute_script(postgres ? postgres_tables : sqlite_tables));
  TRIUNE_ASSIGN(const std::string earlier, kind_of(session, "triune_migrations"));
  if (earlier == "table") {
    // An earlier program may be applying something right now.
    if (postgres) TRIUNE_TRY(session.execute("LOCK TABLE triune_migrations IN ACCESS EXCLUSIVE MODE", {}));
    TRIUNE_TRY(session.execute(take_over, {}));
    TRIUNE_TRY(fill_texts(session));
    TRIUNE_TRY(session.execute("DROP TABLE triune_migrations", {}));
  }
  return session.execute_script(fmt::format(
      "CREATE VIEW triune_migrations {}AS SELECT version, name, checksum, applied_at FROM triune_schema_history "
      "WHERE series = 'hive'",
      postgres ? "WITH (security_invoker = true) " : ""));
}

Applied record_of(std::span<const Value> row, std::string_view series) {
  return {.series = std::string(series),
          .version = static_cast<std::uint32_t>(std::get<std::int64_t>(row[0])),
          .name = to_text(row[1]),
          .checksum = to_text(row[2]),
          .up = to_text(row[3]),
          .down = to_text(row[4]),
          .applied_at = to_text(row[5]),
          .applied_by = to_text(row[6]),
          .duration_ms = std::get<std::int64_t>(row[7])};
}

Status check_one(const Applied& applied, std::span<const Migration> migrations) {
  if (applied.version > migrations.size()) {
    const auto file = stem(applied.version, applied.name) + ".up.sql";
    if (applied.series == "user")
      return failure(ErrorCode::conflict,
                     fmt::format("migration {} was applied to this hive, and its file is missing; bring it back, or "
                                 "revert it: `triune schema revert --to {}`",
                                 file, migrations.size()));
    return failure(ErrorCode::conflict,
                   fmt::format("this hive has migration {} of '{}', and this program knows only {}: a newer Triune "
                               "wrote it; open it with that version or a later one",
                               file, applied.series, migrations.size()));
  }
  const auto& known = migrations[applied.version - 1];
  if (applied.checksum == checksum(known.sql)) return {};
  return failure(ErrorCode::conflict,
                 fmt::format("migration {}.up.sql was edited after it had been applied to this hive; restore its text "
                             "and put the change into a new migration",
                             stem(applied.version, known.name)));
}

}  // namespace

Result<bool> has_history(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const std::string kind, kind_of(session, "triune_schema_history"));
  return !kind.empty();
}

Status prepare_history(contract::RelationalStore& store, Deadline deadline) {
  // PostgreSQL: of two programs that create the same table at once, the later one fails on the catalogue (M4).
  Status made;
  for (int attempt = 0; attempt < creation_attempts; ++attempt) {
    {
      TRIUNE_ASSIGN(const auto session, store.read(contract::ReadScope::internal, deadline));
      TRIUNE_ASSIGN(const bool present, has_history(*session));
      if (present) return {};
    }
    made = store.write(create_tables, deadline);
    if (made) return {};
  }
  return made;
}

Result<std::vector<Applied>> read_history(contract::RelationalSession& session, std::string_view series, bool texts) {
  const std::array<Value, 1> parameters{std::string(series)};
  TRIUNE_ASSIGN(const RowSet rows,
                session.query(fmt::format("SELECT version, name, checksum, {}, applied_at, applied_by, duration_ms "
                                          "FROM triune_schema_history WHERE series = ?1 ORDER BY version",
                                          texts ? "up_sql, down_sql" : "'' AS up_sql, '' AS down_sql"),
                              parameters, most_migrations));
  std::vector<Applied> records;
  for (const auto& row : rows.rows) records.push_back(record_of(row, series));
  return records;
}

Result<std::vector<Applied>> read_all_history(contract::RelationalSession& session) {
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT version, name, checksum, up_sql, down_sql, applied_at, "
                                                 "applied_by, duration_ms, series FROM triune_schema_history "
                                                 "ORDER BY sequence",
                                                 {}, most_migrations));
  std::vector<Applied> records;
  for (const auto& row : rows.rows) records.push_back(record_of(row, to_text(row[8])));
  return records;
}

Result<std::optional<Applied>> find_record(contract::RelationalSession& session, std::string_view series,
                                           std::uint32_t version) {
  const std::array<Value, 2> parameters{std::string(series), std::int64_t{version}};
  TRIUNE_ASSIGN(const RowSet rows, session.query("SELECT version, name, checksum, up_sql, down_sql, applied_at, "
                                                 "applied_by, duration_ms FROM triune_schema_history "
                                                 "WHERE series = ?1 AND version = ?2",
                                                 parameters, 1));
  if (rows.rows.empty()) return std::optional<Applied>();
  return std::optional(record_of(rows.rows[0], series));
}

Status add_record(contract::RelationalSession& session, const Applied& record) {
  const std::array<Value, 9> parameters{record.series,     std::int64_t{record.version},
                                        record.name,       record.checksum,
                                        record.up,         record.down,
                                        record.applied_at, record.applied_by,
                                        record.duration_ms};
  // Under the lease, so that no two get the same sequence.
  TRIUNE_TRY(session.execute(
      "INSERT INTO triune_schema_history (series, version, name, checksum, up_sql, down_sql, applied_at, "
      "applied_by, duration_ms, sequence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, "
      "(SELECT coalesce(max(sequence), 0) + 1 FROM triune_schema_history))",
      parameters));
  return {};
}

Status remove_record(contract::RelationalSession& session, std::string_view series, std::uint32_t version) {
  const std::array<Value, 2> parameters{std::string(series), std::int64_t{version}};
  TRIUNE_TRY(session.execute("DELETE FROM triune_schema_history WHERE series = ?1 AND version = ?2", parameters));
  return {};
}

Status check_history(std::span<const Applied> applied, std::span<const Migration> migrations) {
  for (const auto& one : applied) TRIUNE_TRY(check_one(one, migrations));
  return {};
}

std::string now_text() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}Z", fmt::gmtime(std::time(nullptr)));
}

std::string actor() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = '?';
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  const auto user = geteuid();
  const bool known = getpwuid_r(user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr;
  return fmt::format("{}@{}", known ? std::string(entry.pw_name) : std::to_string(user), host.data());
}

std::string stem(std::uint32_t version, std::string_view name) {
  return fmt::format("{:04}_{}", version, name);
}

std::string checksum(std::string_view text) {
  return base::sha256_hex(base::as_bytes(text));
}

}  // namespace triune::migrate
