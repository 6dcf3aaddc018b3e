#include "adapters/sqlite/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cctype>
#include <chrono>

#include "adapters/sqlite/sqlite_error.h"
#include "base/try.h"

namespace triune::adapters::sqlite {
namespace {

constexpr std::size_t cached_statements = 128;
constexpr int operations_between_deadline_checks = 2000;
constexpr int longest_value_bytes = 64 << 20;
constexpr auto open_patience = std::chrono::seconds(5);

struct Limit {
  int id;
  int internal;
  int user;
};

/// Bounds of one statement. Those for users follow SQLite's own advice for untrusted SQL, widened to what reports need.
constexpr auto limits = std::to_array<Limit>({
    {SQLITE_LIMIT_LENGTH, longest_value_bytes, longest_value_bytes},
    {SQLITE_LIMIT_SQL_LENGTH, 16 << 20, 1 << 20},
    {SQLITE_LIMIT_EXPR_DEPTH, 1000, 200},
    {SQLITE_LIMIT_COMPOUND_SELECT, 500, 100},
    {SQLITE_LIMIT_VDBE_OP, 250'000'000, 250'000},
    {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 50'000, 1000},
    {SQLITE_LIMIT_COLUMN, 2000, 2000},
});

/// The file as SQLite's URI, which is the only way to say that it never changes.
std::string uri_of(const ConnectionOptions& options) {
  std::string uri = "file:";
  for (const unsigned char byte : std::filesystem::absolute(options.path).string()) {
    const bool plain = std::isalnum(byte) != 0 || byte == '/' || byte == '.' || byte == '_' || byte == '-';
    uri += plain ? std::string(1, static_cast<char>(byte)) : fmt::format("%{:02X}", byte);
  }
  return uri + (options.immutable ? "?mode=ro&immutable=1" : "?mode=ro");
}

}  // namespace

StatementLease::StatementLease(StatementLease&& other) noexcept
    : entry_(std::exchange(other.entry_, nullptr)), own_(std::move(other.own_)) {}

StatementLease::~StatementLease() {
  if (entry_ == nullptr) return;
  entry_->statement.reset();
  StatementCache::give_back(*entry_);
}

Connection::Connection() : cache_(cached_statements) {}

Connection::~Connection() {
  cache_.clear();
}

Result<std::unique_ptr<Connection>> Connection::open(const ConnectionOptions& options) {
  std::unique_ptr<Connection> connection(new Connection());
  const bool writer = options.role == ConnectionOptions::Role::writer;
  const bool foreign = options.role == ConnectionOptions::Role::foreign;
  const int flags = (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX |
                    SQLITE_OPEN_EXRESCODE | (foreign ? SQLITE_OPEN_URI : 0);
  const std::string name = foreign ? uri_of(options) : options.path.string();
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(name.c_str(), &database, flags, nullptr);
  connection->database_.reset(database);
  if (code != SQLITE_OK) {
    auto failed = sqlite_failure(database, code);
    failed.error().message =
        fmt::format("cannot open the database {}: {}", options.path.string(), failed.error().message);
    return failed;
  }
  if (auto status = connection->configure(options); !status) {
    status.error().message =
        fmt::format("cannot use the database {}: {}", options.path.string(), status.error().message);
    return failure_of(status);
  }
  return connection;
}

Status Connection::configure(const ConnectionOptions& options) {
  install_callbacks();
  set_user_limits(false);
  set_deadline(Deadline::after(open_patience));
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, nullptr);
  // Neither the schema nor the tables inside virtual tables can be edited as data, whoever asks.
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  // Counting what each step does costs time; `FunctionTables` turns it on where somebody wants to know.
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_STMT_SCANSTATUS, 0, nullptr);
  using Role = ConnectionOptions::Role;
  if (options.role == Role::writer) TRIUNE_TRY(configure_writer());
  if (options.role == Role::reader) TRIUNE_TRY(control("PRAGMA query_only = ON"));
  if (options.role == Role::foreign) TRIUNE_TRY(configure_foreign());
  TRIUNE_TRY(control(fmt::format("PRAGMA cache_size = -{}", std::max<std::uint64_t>(options.cache_bytes >> 10U, 256))));
  TRIUNE_TRY(control("PRAGMA foreign_keys = ON"));
  // Reads the first page: a file that is no database is found here and not at the first use.
  TRIUNE_TRY(refresh_schema());
  set_deadline(Deadline::never());
  return {};
}

Status Connection::configure_writer() {
  TRIUNE_TRY(control("PRAGMA page_size = 4096"));
  TRIUNE_ASSIGN(auto statement, prepare("PRAGMA journal_mode = WAL"));
  TRIUNE_ASSIGN(const bool answered, statement->step());
  std::vector<Value> mode;
  if (answered) statement->read_row(mode);
  if (mode.empty() || mode[0] != Value("wal"))
    return refuse(ErrorCode::unavailable, "the file system does not support write-ahead logging (shared memory)");
  TRIUNE_TRY(control("PRAGMA synchronous = FULL"));
  TRIUNE_TRY(control("PRAGMA journal_size_limit = 67108864"));
  // With SQLITE_ENABLE_STAT4 a statement is otherwise compiled anew whenever a bound value changes that a range, a
  // LIMIT or a partial index depends on (measured: most of the time of a queue's claims).
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_ENABLE_QPSG, 1, nullptr);
  // The writer checkpoints by itself, after it has answered those who wait for the commit.
  sqlite3_wal_hook(database_.get(), &Connection::on_commit, this);
  return {};
}

Status Connection::configure_foreign() {
  // Nothing that the file brings along runs: no view, no trigger, no function but harmless ones.
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, nullptr);
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_ENABLE_VIEW, 0, nullptr);
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  // Other builds take "text" for a string where no column is called so; a schema that relies on it must open.
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_DQS_DDL, 1, nullptr);
  schema_trusted_ = false;
  TRIUNE_TRY(control("PRAGMA cell_size_check = ON"));
  return control("PRAGMA temp_store = FILE");
}

void Connection::install_callbacks() {
  sqlite3_busy_handler(database_.get(), &Connection::on_busy, this);
  sqlite3_progress_handler(database_.get(), operations_between_deadline_checks, &Connection::on_progress, this);
  authorizer_.install(database_.get());
}

void Connection::set_user_limits(bool on) {
  for (const auto& limit : limits) sqlite3_limit(database_.get(), limit.id, on ? limit.user : limit.internal);
}

void Connection::set_schema_trusted(bool trusted) {
  if (trusted == schema_trusted_) return;
  sqlite3_db_config(database_.get(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, trusted ? 1 : 0, nullptr);
  schema_trusted_ = trusted;
}

Authority Connection::set_authority(Authority authority) {
  const Authority before = authorizer_.authority();
  authorizer_.set_authority(authority);
  return before;
}

Result<StatementLease> Connection::prepare(std::string_view sql) {
  if (auto* entry = cache_.lend(authorizer_.authority(), sql)) return StatementLease(*entry);
  return prepare_anew(sql, true);
}

Result<StatementLease> Connection::prepare_uncached(std::string_view sql) {
  return prepare_anew(sql, false);
}

Result<StatementLease> Connection::prepare_anew(std::string_view sql, bool keep) {
  std::string_view rest;
  TRIUNE_ASSIGN(Statement statement, compile(sql, rest));
  if (statement.empty()) return refuse(ErrorCode::invalid_argument, "there is no statement in the text");
  while (!rest.empty()) {
    const std::size_t end = sql.size() - rest.size();
    auto second = compile_next(rest, rest);
    if (!second || !second->empty())
      return refuse(ErrorCode::invalid_argument,
                    fmt::format("one statement at a time: this one ends at byte {}, and more follows", end));
  }
  if (keep)
    if (auto* entry = cache_.keep(authorizer_.authority(), sql, statement)) return StatementLease(*entry);
  return StatementLease(std::move(statement));
}

Result<Statement> Connection::compile(std::string_view sql, std::string_view& rest) {
  authorizer_.forget();
  return compile_next(sql, rest);
}

Result<Statement> Connection::compile_next(std::string_view sql, std::string_view& rest) {
  const std::string_view text = sql;
  auto statement = Statement::compile(database_.get(), text, SQLITE_PREPARE_PERSISTENT, rest);
  if (statement) return statement;
  // A function that is refused comes back as a mere parse error.
  const bool refused = !authorizer_.denial().empty() && authorizer_.authority() != Authority::observe;
  if (refused) {
    statement.error().message = authorizer_.denial();
    statement.error().code = ErrorCode::permission_denied;
    return statement;
  }
  // SQLite may have judged by a schema that another program has changed since.
  const bool own = authorizer_.authority() == Authority::unrestricted;
  if (own || statement.error().code != ErrorCode::invalid_argument || !refresh_schema()) return statement;
  auto again = Statement::compile(database_.get(), text, SQLITE_PREPARE_PERSISTENT, rest);
  return again ? std::move(again) : std::move(statement);
}

Status Connection::refresh_schema() {
  return control("SELECT 1 FROM sqlite_schema LIMIT 1");
}

Status Connection::control(std::string_view sql) {
  if (const int code = control_code(sql); code != SQLITE_OK) return sqlite_failure(database_.get(), code, sql);
  return {};
}

int Connection::control_code(std::string_view sql) {
  const AuthorityScope scope(*this, Authority::unrestricted);
  auto statement = prepare(sql);
  if (!statement) return sqlite3_errcode(database_.get());
  int code = SQLITE_ROW;
  while (code == SQLITE_ROW) code = sqlite3_step((*statement)->handle());
  return code == SQLITE_DONE ? SQLITE_OK : code;
}

bool Connection::has_deferred_violations() const {
  int unresolved = 0;
  int highest = 0;
  sqlite3_db_status(database_.get(), SQLITE_DBSTATUS_DEFERRED_FKS, &unresolved, &highest, 0);
  return unresolved != 0;
}

int Connection::on_progress(void* self) {
  return static_cast<Connection*>(self)->deadline_.expired() ? 1 : 0;
}

int Connection::on_busy(void* self, int attempt) {
  const auto& connection = *static_cast<const Connection*>(self);
  if (connection.deadline_.expired()) return 0;
  const auto pause = std::min(std::chrono::milliseconds(std::min(1 + attempt, 10)), connection.deadline_.remaining());
  sqlite3_sleep(std::max(1, static_cast<int>(pause.count())));
  return 1;
}

int Connection::on_commit(void* self, sqlite3*, const char*, int frames) {
  static_cast<Connection*>(self)->log_frames_ = frames;
  return SQLITE_OK;
}

}  // namespace triune::adapters::sqlite
