// The pool of connections behind contract::ConnectionPool: fair, bounded, and never in the way of its callers.
//
// Invariants
//   P1  At most `largest` connections are open at once, those being opened and closed included.
//   P2  Waiters are served in the order of asking; nobody overtakes the queue.
//   P3  A waiter waits for the pool only. One thread, the keeper, connects and validates; a connection that comes back
//       meanwhile goes straight to the first waiter, and no further connect is begun once the queue is empty.
//   P4  A fresh idle connection and a waiter never exist at the same time.
//   P5  Every `take` ends: with a connection, at its deadline, at once when the queue is full, or with the reason of
//   the
//       last connect when nothing is open and the guard against storms pauses.
//   P6  The destructor returns only when every connection is back and no caller is inside.
//
//   A connection:
//
//     keeper connects --> lent <--------------------------+------+
//          |                |                             |      | validated, for the first waiter
//          | no waiter      +-- usable, no waiter --> idle: fresh --> idle: stale (`validate_after` ago)
//          +--------------------------------------------> |             |
//                           +-- unusable, old, evicted    +-- old, idle too long, above the target, evicted
//                                      |                         |
//                                      +-------> closed <--------+
//
// The size moves between `smallest` and `largest` (pool_sizer.h). Connects pause after errors (storm_guard.h): when
// nothing is open then, callers fail at once with the last reason; while something is lent out they wait for it, since
// it may well come back. A reason that no repetition mends (a wrong password) fails them at once, with its own code.
#pragma once

#include <memory>

#include "contract/connection_pool.h"
#include "runtime/storm_guard.h"

namespace triune::runtime {

/// A pool over `connector`, as contract::PoolFactory wants it. `settings` are checked by `check` of profiles.h; here a
/// `largest` of 0 counts as 1 and a `smallest` above it as `largest`. Begins to connect up to `smallest` at once, in
/// the background. Destruction waits for a connect in progress, at most `connect_timeout`.
std::unique_ptr<contract::ConnectionPool> make_connection_pool(contract::PoolSettings settings,
                                                               contract::Connector connector);

/// The same with another guard against storms, for tests and unusual servers.
std::unique_ptr<contract::ConnectionPool> make_connection_pool_with(StormGuard::Settings storm,
                                                                    contract::PoolSettings settings,
                                                                    contract::Connector connector);

}  // namespace triune::runtime
