// The only place where PostgreSQL's SQLSTATE codes become errors of Triune.
#pragma once

#include <libpq-fe.h>

#include <string>
#include <string_view>

#include "triune/status.h"

namespace triune::adapters::postgres {

/// What a SQLSTATE means. `retry` is that of a statement; whoever awaited a COMMIT knows better (`commit_failure`).
struct Meaning {
  ErrorCode code;
  Retry retry;
  bool connection_usable;
};
Meaning meaning_of(std::string_view sqlstate) noexcept;

/// An error of this adapter itself, with the engine's name.
std::unexpected<Error> refuse(ErrorCode code, std::string message, Retry retry = Retry::never);

/// The error that the server sent. `sql` is the text that was sent but for `prefix` characters in front of it; it is
/// quoted at the place the server points at.
Error error_of(const PGresult* result, std::string_view sql, std::size_t prefix = 0);

/// The connection is gone: `detail` is libpq's message.
Error lost_connection(std::string_view detail);

/// The same error for a COMMIT whose answer did not arrive: it may be durable (I11), and the connection is done for.
Error commit_failure(Error cause);

/// Whether running the whole transaction again may succeed: a deadlock, a serialization failure, an outdated plan.
bool asks_for_another_run(const Error& error) noexcept;

/// Whether the error says that the server went away or changed its role, so that every connection to it is suspect.
bool condemns_all_connections(const Error& error) noexcept;

}  // namespace triune::adapters::postgres
