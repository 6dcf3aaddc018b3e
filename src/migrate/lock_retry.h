// Waiting for locks without making others wait: a short limit, and another attempt later.
//
// A statement that waits for an exclusive lock stands in front of everybody who comes after it. With a limit of 100 ms
// that rises slowly, and pauses between attempts, readers lose at most that much (research: 0.17 s against 5 s).
#pragma once

#include <chrono>
#include <functional>

#include "contract/relational_store.h"

namespace triune::migrate {

/// In a transaction of PostgreSQL: waits for locks end after so long. Nothing in SQLite, whose writers queue.
Status limit_lock_waits(contract::RelationalSession& session, std::chrono::milliseconds longest);

/// Whether the error says that a lock was not to be had in time.
bool is_lock_timeout(const Error& error);

/// Runs `attempt(limit)` until it does not fail for want of a lock; the limit grows from 100 ms to 2 s, and so does the
/// pause between attempts, with jitter. The error of the last attempt when the deadline has passed.
Status with_lock_retries(Deadline deadline, const std::function<Status(std::chrono::milliseconds limit)>& attempt);

}  // namespace triune::migrate
