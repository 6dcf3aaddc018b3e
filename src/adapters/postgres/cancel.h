// Asking the server to stop a statement.
#pragma once

#include <libpq-fe.h>

namespace triune::adapters::postgres {

/// Sends the request from a thread of its own, since libpq 15 does so over a new, unencrypted connection and waits for
/// it. Returns when it has arrived, or after a second at most. Of many requests at once some are left out.
void request_cancel(PGconn* connection);

}  // namespace triune::adapters::postgres
