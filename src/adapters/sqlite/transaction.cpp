#include "adapters/sqlite/transaction.h"

#include "adapters/sqlite/sqlite_error.h"
#include "adapters/sqlite/writer.h"
#include "base/try.h"

namespace triune::adapters::sqlite {

Transaction::Transaction(Writer& writer, Connection& connection)
    : writer_(writer), connection_(connection), session_(connection, Session::Kind::write) {}

Transaction::~Transaction() {
  if (!ended_) end();
}

Status Transaction::set_constraints(bool on) {
  sqlite3_db_config(connection_.handle(), SQLITE_DBCONFIG_ENABLE_FKEY, on ? 1 : 0, nullptr);
  return connection_.control(on ? "PRAGMA ignore_check_constraints = OFF" : "PRAGMA ignore_check_constraints = ON");
}

Status Transaction::trust_rows() {
  if (ended_) return refuse(ErrorCode::invalid_argument, "the transaction has ended already");
  trusts_rows_ = true;
  return set_constraints(false);
}

Status Transaction::commit() {
  if (ended_) return refuse(ErrorCode::invalid_argument, "the transaction has ended already");
  if (!connection_.in_transaction()) {
    end();
    return refuse(ErrorCode::conflict, "an earlier error ended the transaction; nothing of it remains", Retry::safe);
  }
  if (connection_.has_deferred_violations())
    return refuse(ErrorCode::conflict, "FOREIGN KEY constraint failed: a deferred constraint is broken at the end");
  Status status = writer_.commit(connection_);
  if (status) writer_.commits_.fetch_add(1, std::memory_order_relaxed);
  end();
  return status;
}

Status Transaction::rollback() {
  if (ended_) return refuse(ErrorCode::invalid_argument, "the transaction has ended already");
  end();
  return {};
}

void Transaction::end() {
  ended_ = true;
  session_.close();
  if (connection_.in_transaction() && connection_.control_code("ROLLBACK") != SQLITE_OK) writer_.broken_ = true;
  if (trusts_rows_ && !set_constraints(true)) writer_.broken_ = true;
  writer_.give_back();
}

}  // namespace triune::adapters::sqlite
