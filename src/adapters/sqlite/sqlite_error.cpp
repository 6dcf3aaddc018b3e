#include "adapters/sqlite/sqlite_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace triune::adapters::sqlite {
namespace {

struct CodeName {
  int code;
  std::string_view name;
};

constexpr auto code_names = std::to_array<CodeName>({
    {SQLITE_ERROR, "SQLITE_ERROR"},
    {SQLITE_INTERNAL, "SQLITE_INTERNAL"},
    {SQLITE_PERM, "SQLITE_PERM"},
    {SQLITE_ABORT, "SQLITE_ABORT"},
    {SQLITE_ABORT_ROLLBACK, "SQLITE_ABORT_ROLLBACK"},
    {SQLITE_BUSY, "SQLITE_BUSY"},
    {SQLITE_BUSY_RECOVERY, "SQLITE_BUSY_RECOVERY"},
    {SQLITE_BUSY_SNAPSHOT, "SQLITE_BUSY_SNAPSHOT"},
    {SQLITE_LOCKED, "SQLITE_LOCKED"},
    {SQLITE_NOMEM, "SQLITE_NOMEM"},
    {SQLITE_READONLY, "SQLITE_READONLY"},
    {SQLITE_INTERRUPT, "SQLITE_INTERRUPT"},
    {SQLITE_IOERR, "SQLITE_IOERR"},
    {SQLITE_IOERR_READ, "SQLITE_IOERR_READ"},
    {SQLITE_IOERR_SHORT_READ, "SQLITE_IOERR_SHORT_READ"},
    {SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE"},
    {SQLITE_IOERR_FSYNC, "SQLITE_IOERR_FSYNC"},
    {SQLITE_IOERR_DIR_FSYNC, "SQLITE_IOERR_DIR_FSYNC"},
    {SQLITE_IOERR_TRUNCATE, "SQLITE_IOERR_TRUNCATE"},
    {SQLITE_CORRUPT, "SQLITE_CORRUPT"},
    {SQLITE_NOTFOUND, "SQLITE_NOTFOUND"},
    {SQLITE_FULL, "SQLITE_FULL"},
    {SQLITE_CANTOPEN, "SQLITE_CANTOPEN"},
    {SQLITE_PROTOCOL, "SQLITE_PROTOCOL"},
    {SQLITE_SCHEMA, "SQLITE_SCHEMA"},
    {SQLITE_TOOBIG, "SQLITE_TOOBIG"},
    {SQLITE_CONSTRAINT, "SQLITE_CONSTRAINT"},
    {SQLITE_CONSTRAINT_CHECK, "SQLITE_CONSTRAINT_CHECK"},
    {SQLITE_CONSTRAINT_DATATYPE, "SQLITE_CONSTRAINT_DATATYPE"},
    {SQLITE_CONSTRAINT_FOREIGNKEY, "SQLITE_CONSTRAINT_FOREIGNKEY"},
    {SQLITE_CONSTRAINT_NOTNULL, "SQLITE_CONSTRAINT_NOTNULL"},
    {SQLITE_CONSTRAINT_PRIMARYKEY, "SQLITE_CONSTRAINT_PRIMARYKEY"},
    {SQLITE_CONSTRAINT_ROWID, "SQLITE_CONSTRAINT_ROWID"},
    {SQLITE_CONSTRAINT_TRIGGER, "SQLITE_CONSTRAINT_TRIGGER"},
    {SQLITE_CONSTRAINT_UNIQUE, "SQLITE_CONSTRAINT_UNIQUE"},
    {SQLITE_CONSTRAINT_VTAB, "SQLITE_CONSTRAINT_VTAB"},
    {SQLITE_MISMATCH, "SQLITE_MISMATCH"},
    {SQLITE_MISUSE, "SQLITE_MISUSE"},
    {SQLITE_AUTH, "SQLITE_AUTH"},
    {SQLITE_RANGE, "SQLITE_RANGE"},
    {SQLITE_NOTADB, "SQLITE_NOTADB"},
});

struct Meaning {
  ErrorCode code;
  Retry retry;
  bool connection_usable;
};

Meaning meaning_of(int primary_code) {
  switch (primary_code) {
    case SQLITE_ERROR: return {ErrorCode::invalid_argument, Retry::never, true};
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT: return {ErrorCode::conflict, Retry::never, true};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_PROTOCOL: return {ErrorCode::unavailable, Retry::safe, true};
    case SQLITE_SCHEMA:
    case SQLITE_ABORT: return {ErrorCode::conflict, Retry::safe, true};
    case SQLITE_FULL:
    case SQLITE_NOMEM: return {ErrorCode::resource_exhausted, Retry::safe, true};
    case SQLITE_TOOBIG: return {ErrorCode::resource_exhausted, Retry::never, true};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return {ErrorCode::corruption, Retry::never, false};
    case SQLITE_INTERRUPT: return {ErrorCode::deadline_exceeded, Retry::safe, true};
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: return {ErrorCode::unavailable, Retry::safe, false};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH: return {ErrorCode::permission_denied, Retry::never, true};
    case SQLITE_RANGE: return {ErrorCode::invalid_argument, Retry::never, true};
    default: return {ErrorCode::internal, Retry::never, false};
  }
}

/// " at byte 7 of the statement, near `frm t`" for the place that SQLite points at.
std::string place(sqlite3* database, std::string_view sql) {
  const int offset = sqlite3_error_offset(database);
  if (offset < 0 || static_cast<std::size_t>(offset) > sql.size()) return {};
  std::string_view rest = sql.substr(static_cast<std::size_t>(offset));
  constexpr std::size_t shown = 40;
  std::size_t length = std::min(rest.size(), shown);
  while (length < rest.size() && length > 0 && (static_cast<unsigned char>(rest[length]) & 0xC0U) == 0x80U) --length;
  if (rest.empty()) return fmt::format(", at the end of the statement (byte {})", offset);
  return fmt::format(", at byte {} of the statement, near `{}`", offset, rest.substr(0, length));
}

}  // namespace

std::string code_name(int extended_code) {
  const auto named = [](int code) {
    return std::find_if(code_names.begin(), code_names.end(),
                        [code](const CodeName& each) { return each.code == code; });
  };
  if (const auto* found = named(extended_code); found != code_names.end()) return std::string(found->name);
  const auto* primary = named(extended_code & 0xFF);
  return fmt::format("{} ({})", primary == code_names.end() ? "SQLITE" : primary->name, extended_code);
}

std::unexpected<Error> refuse(ErrorCode code, std::string message, Retry retry) {
  return std::unexpected(
      Error{.code = code, .message = std::move(message), .engine = "sqlite", .native_code = {}, .retry = retry});
}

Error error_for(int extended_code, std::string detail) {
  const Meaning meaning = meaning_of(extended_code & 0xFF);
  return Error{.code = meaning.code,
               .message = std::move(detail),
               .engine = "sqlite",
               .native_code = code_name(extended_code),
               .retry = meaning.retry,
               .connection_usable = meaning.connection_usable};
}

std::unexpected<Error> sqlite_failure(sqlite3* database, int code, std::string_view sql) {
  const int extended = database == nullptr ? code : sqlite3_extended_errcode(database);
  // The connection may have moved on since; its code counts only when it is about the same failure.
  const bool same = (extended & 0xFF) == (code & 0xFF);
  std::string detail = same && database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
  if ((code & 0xFF) == SQLITE_INTERRUPT) detail = "the statement was stopped at its deadline";
  if ((code & 0xFF) == SQLITE_BUSY) detail += ": another program holds the database; try again when it has finished";
  if (same && !sql.empty() && database != nullptr) detail += place(database, sql);
  return std::unexpected(error_for(same ? extended : code, std::move(detail)));
}

std::unexpected<Error> commit_failure(sqlite3* database, int code) {
  auto failed = sqlite_failure(database, code);
  Error error = failed.error();
  error.message =
      "the commit failed and may or may not be durable; send it again with the same idempotency key: " + error.message;
  error.retry = Retry::outcome_unknown;
  error.connection_usable = false;
  return std::unexpected(std::move(error));
}

}  // namespace triune::adapters::sqlite
