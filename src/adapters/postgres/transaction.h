// A session for writing, with the connection it has out of the pool.
#pragma once

#include <chrono>
#include <exception>
#include <memory>
#include <string>

#include "adapters/postgres/session.h"
#include "adapters/postgres/sqlstate.h"
#include "contract/connection_pool.h"
#include "contract/relational_store.h"

namespace triune::adapters::postgres {

using Lease = contract::ConnectionPool::Lease;

inline Connection& connection_of(const Lease& lease) {
  return static_cast<Connection&>(*lease.get());
}

/// Exceptions of a job end here.
inline Status run_job(const contract::WriteJob& job, contract::RelationalSession& session) {
  try {
    return job(session);
  } catch (const std::exception& exception) {
    return refuse(ErrorCode::internal, std::string("the job threw an exception: ") + exception.what());
  } catch (...) {
    return refuse(ErrorCode::internal, "the job threw something that is no exception");
  }
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
  /// Before its first statement: a lock that is not to be had by then is an error.
  Status limit_lock_waits(std::chrono::milliseconds longest) { return session_.limit_lock_waits(longest); }
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
