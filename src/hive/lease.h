// Work that one node does at a time: leases in triune_leases, with fencing tokens.
//
// A lease ends by the server's clock, whatever its holder believes. The token grows with every acquisition; whoever
// acts under an older one is refused by `check_lease`, which belongs into the transaction that does the guarded work:
// its lock on the row keeps the lease from changing hands before that transaction has ended.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "contract/relational_store.h"

namespace triune::hive {

struct Lease {
  std::string name;
  std::string holder;
  std::int64_t token = 0;
};

/// Takes the lease when it is free, ended, or the holder's own (whose older token is void then). Error: `conflict`,
/// safe to retry, naming the holder, when another has it.
Result<Lease> acquire_lease(contract::RelationalStore& store, std::string_view name, std::string_view holder,
                            std::chrono::milliseconds lasts);
/// Makes it last that long from now. Error: `conflict` when it has ended or changed hands. Not within a job that has
/// checked the lease: it would wait for itself.
Status renew_lease(contract::RelationalStore& store, const Lease& lease, std::chrono::milliseconds lasts);
/// Ends it at once; no error when it had ended.
Status release_lease(contract::RelationalStore& store, const Lease& lease);
/// In a write job: fails with `conflict` when the lease has ended or changed hands; otherwise nobody else gets it
/// before the job's transaction ends.
Status check_lease(contract::RelationalSession& session, const Lease& lease);

}  // namespace triune::hive
