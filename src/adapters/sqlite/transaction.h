// A transaction over several calls, in the thread of its caller.
#pragma once

#include "adapters/sqlite/session.h"
#include "contract/relational_store.h"

namespace triune::adapters::sqlite {

class Writer;

/// Has the writing connection from its construction until `commit` or `rollback` succeed, or its destruction. Nobody
/// else writes in the meantime: keep it short.
class Transaction final : public contract::RelationalTransaction {
 public:
  Transaction(Writer& writer, Connection& connection);
  ~Transaction() override;
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  contract::RelationalSession& session() override { return session_; }
  Status trust_rows() override;
  Status commit() override;
  Status rollback() override;

 private:
  void end();
  /// Of foreign keys and CHECKs; may be called inside a transaction, as the pragma for foreign keys may not.
  Status set_constraints(bool on);

  Writer& writer_;
  Connection& connection_;
  Session session_;
  bool ended_ = false;
  bool trusts_rows_ = false;
};

}  // namespace triune::adapters::sqlite
