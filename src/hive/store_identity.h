// Which history a canonical store holds (the incarnation), and noticing that it became another.
//
// A PostgreSQL database copied elsewhere (dump and restore), restored to the past or continued by a promoted standby
// has the same rows and another history: lsns are ids of transactions, and those of the old one mean nothing or
// something else there. So the incarnation is stored next to what tells histories apart: the server's system
// identifier, the database's oid, and the timeline. A copy of a server's files that was started as it was cannot be
// told from the original.
#pragma once

#include <string>

#include "contract/relational_store.h"

namespace triune::hive {

struct StoreIdentity {
  std::string incarnation;
  bool renewed = false;  ///< By this call: everything that was told in lsns of the former history is gone.
  std::string note;      ///< What could not be looked at and so would go unnoticed; empty when nothing.
};

/// The incarnation of the store, in either dialect; a new one when there is none, or when the history is another than
/// the one it was made for. Then the change log, its floors, nodes, leases and set-aside entities are forgotten, and
/// commits that are sent again (I11) are answered with position 0. Whoever calls at the same time gets the same one.
/// Writes nothing in the steady state. The schema is current.
Result<StoreIdentity> settle_incarnation(contract::RelationalStore& store, Deadline deadline);

/// Whether the store still is in the history `incarnation`; `conflict` when it went over into another, for a process
/// that has it open (a failover): it must open the store anew.
Status check_incarnation(contract::RelationalStore& store, const std::string& incarnation, Deadline deadline);

}  // namespace triune::hive
