#include "runtime/guarded_session.h"

#include <utility>

namespace triune::runtime {

bool blames_store(const Error& error) {
  return !error.connection_usable || error.code == ErrorCode::unavailable;
}

GuardedSession::GuardedSession(std::unique_ptr<contract::RelationalSession> session, CircuitBreaker::Permit permit)
    : RelationalSession(session->dialect()),
      owned_(std::move(session)),
      session_(*owned_),
      permit_(std::move(permit)) {}

GuardedSession::GuardedSession(contract::RelationalSession& session, CircuitBreaker::Permit permit)
    : RelationalSession(session.dialect()), session_(session), permit_(std::move(permit)) {}

GuardedSession::~GuardedSession() {
  owned_.reset();
  if (!blame_.message.empty())
    permit_.failed(blame_);
  else if (answered_)
    permit_.succeeded();
}

Result<RowSet> GuardedSession::query(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) {
  return noted(session_.query(sql, parameters, max_rows));
}

Status GuardedSession::visit(std::string_view sql, std::span<const Value> parameters,
                             const contract::RowVisitor& visitor) {
  return noted(session_.visit(sql, parameters, visitor));
}

Result<std::uint64_t> GuardedSession::execute(std::string_view sql, std::span<const Value> parameters) {
  return noted(session_.execute(sql, parameters));
}

Status GuardedSession::execute_soon(std::string_view sql, std::span<const Value> parameters,
                                    contract::LateAnswer answer) {
  return noted(session_.execute_soon(sql, parameters, answer));
}

Result<std::uint64_t> GuardedSession::execute_many(std::string_view sql, std::size_t column_count,
                                                   std::span<const Value> values) {
  return noted(session_.execute_many(sql, column_count, values));
}

Result<std::uint64_t> GuardedSession::load_rows(std::string_view table, std::span<const std::string> columns,
                                                std::span<const Value> values) {
  return noted(session_.load_rows(table, columns, values));
}

Status GuardedSession::execute_script(std::string_view sql) {
  return noted(session_.execute_script(sql));
}

Result<RowSet> GuardedSession::execute_user(std::string_view sql, std::span<const Value> parameters,
                                            std::size_t max_rows) {
  return noted(session_.execute_user(sql, parameters, max_rows));
}

Result<contract::TableChange> GuardedSession::table_change(std::string_view sql) {
  return noted(session_.table_change(sql));
}

Status GuardedSession::savepoint(std::string_view name) {
  return noted(session_.savepoint(name));
}

Status GuardedSession::release(std::string_view name) {
  return noted(session_.release(name));
}

Status GuardedSession::rollback_to(std::string_view name) {
  return noted(session_.rollback_to(name));
}

}  // namespace triune::runtime
