#include "adapters/sqlite/read_session.h"

#include "base/try.h"

namespace triune::adapters::sqlite {

Result<std::unique_ptr<contract::RelationalSession>> ReadSession::open(ReadLease lease, contract::ReadScope scope,
                                                                       Deadline deadline,
                                                                       contract::TableFunctions* functions) {
  const bool user = scope == contract::ReadScope::user;
  lease->set_user_limits(user);
  lease->set_deadline(deadline);
  if (auto begun = lease->control("BEGIN"); !begun) {
    lease.discard();
    return failure_of(begun);
  }
  std::unique_ptr<ReadSession> session(new ReadSession(std::move(lease), user ? Kind::user_read : Kind::internal_read));
  if (functions != nullptr) session->use(*functions);
  return session;
}

ReadSession::~ReadSession() {
  connection().set_deadline(Deadline::never());
  const bool ended = !connection().in_transaction() || connection().control_code("ROLLBACK") == SQLITE_OK;
  if (!ended || failed_for_good()) discard();
}

}  // namespace triune::adapters::sqlite
