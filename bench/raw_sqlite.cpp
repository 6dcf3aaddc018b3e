#include "raw_sqlite.h"

#include <fmt/format.h>

#include <stdexcept>

namespace triune::bench {
namespace {

[[noreturn]] void fail(sqlite3* database, std::string_view what) {
  throw std::runtime_error(fmt::format("SQLite: {}: {}", what, sqlite3_errmsg(database)));
}

}  // namespace

RawStatement::RawStatement(sqlite3* database, std::string_view sql) : handle_(nullptr, sqlite3_finalize) {
  sqlite3_stmt* statement = nullptr;
  if (sqlite3_prepare_v3(database, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &statement,
                         nullptr) != SQLITE_OK)
    fail(database, sql);
  handle_.reset(statement);
}

RawStatement& RawStatement::bind(int index, std::int64_t value) {
  sqlite3_bind_int64(handle_.get(), index, value);
  return *this;
}

RawStatement& RawStatement::bind(int index, std::string_view text) {
  sqlite3_bind_text64(handle_.get(), index, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
  return *this;
}

RawStatement& RawStatement::bind_bytes(int index, const void* bytes, std::size_t size) {
  sqlite3_bind_blob64(handle_.get(), index, bytes, size, SQLITE_STATIC);
  return *this;
}

bool RawStatement::step() {
  const int code = sqlite3_step(handle_.get());
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) fail(sqlite3_db_handle(handle_.get()), sqlite3_sql(handle_.get()));
  return false;
}

void RawStatement::reset() {
  sqlite3_reset(handle_.get());
}

std::int64_t RawStatement::integer(int column) const {
  return sqlite3_column_int64(handle_.get(), column);
}

std::string_view RawStatement::text(int column) const {
  const auto* const data = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
  return {data == nullptr ? "" : data, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

void RawStatement::run() {
  while (step()) {
  }
  reset();
}

std::int64_t RawStatement::one() {
  const std::int64_t value = step() ? integer(0) : 0;
  reset();
  return value;
}

RawSqlite::RawSqlite(const std::filesystem::path& path, std::uint64_t cache_bytes) : handle_(nullptr, sqlite3_close) {
  sqlite3* database = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &database,
                                   SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  handle_.reset(database);
  if (code != SQLITE_OK) fail(database, path.string());
  // As in our own connections: counting what each step of a statement does takes up to half of its time.
  sqlite3_db_config(database, SQLITE_DBCONFIG_STMT_SCANSTATUS, 0, nullptr);
  run("PRAGMA journal_mode = WAL");
  run("PRAGMA synchronous = FULL");
  run("PRAGMA wal_autocheckpoint = 4096");
  run(fmt::format("PRAGMA cache_size = -{}", cache_bytes >> 10U));
}

void RawSqlite::run(std::string_view sql) {
  if (sqlite3_exec(handle_.get(), std::string(sql).c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    fail(handle_.get(), sql);
}

}  // namespace triune::bench
