// The only place where SQLite's result codes become errors of Triune.
#pragma once

#include <sqlite3.h>

#include <string>
#include <string_view>

#include "triune/status.h"

namespace triune::adapters::sqlite {

/// An error of this adapter itself, with the engine's name.
std::unexpected<Error> refuse(ErrorCode code, std::string message, Retry retry = Retry::never);

/// The error for an extended result code. `detail` is SQLite's own message.
Error error_for(int extended_code, std::string detail);

/// The error that `database` holds after a call returned `code`. `sql`, when given, is quoted at the place SQLite
/// points at.
std::unexpected<Error> sqlite_failure(sqlite3* database, int code, std::string_view sql = {});

/// The error of a failed COMMIT: whatever the cause, the transaction may be durable (I11), and the connection is done
/// for, because a second fsync after a failed one may report success for pages the kernel has dropped.
std::unexpected<Error> commit_failure(sqlite3* database, int code);

/// SQLite's symbol for a code ("SQLITE_CONSTRAINT_UNIQUE").
std::string code_name(int extended_code);

}  // namespace triune::adapters::sqlite
