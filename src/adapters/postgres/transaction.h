// A session for writing, with the connection it has out of the pool.
#pragma once

#include <memory>

#include "adapters/postgres/session.h"
#include "contract/connection_pool.h"
#include "contract/relational_store.h"

namespace triune::adapters::postgres {

using Lease = contract::ConnectionPool::Lease;

inline Connection& connection_of(const Lease& lease) {
  return static_cast<Connection&>(*lease.get());
}

/// Destruction without `commit` rolls back.
class Transaction final : public contract::RelationalTransaction {
 public:
  Transaction(Lease lease, Deadline deadline, const Session::Alarm& alarm)
      : lease_(std::move(lease)), session_(connection_of(lease_), Session::Kind::write, deadline, alarm) {}
  contract::RelationalSession& session() override { return session_; }
  Status trust_rows() override {
    return failure(ErrorCode::unsupported, "PostgreSQL looks at constraints; add them NOT VALID behind the rows");
  }
  Status commit() override { return ended(session_.commit()); }
  Status rollback() override { return ended(session_.roll_back_by_word()); }

 private:
  /// The connection serves others from now on; the session refuses every call and does not touch it again.
  Status ended(Status result) {
    lease_ = {};
    return result;
  }

  Lease lease_;
  Session session_;
};

/// A read session that owns its lease.
class ReadSession final : private Lease, public Session {
 public:
  ReadSession(Lease lease, Kind kind, Deadline deadline, const Alarm& alarm)
      : Lease(std::move(lease)), Session(connection_of(*this), kind, deadline, alarm) {}
};

}  // namespace triune::adapters::postgres
