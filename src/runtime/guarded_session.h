// A session that tells a circuit breaker how its calls went.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "contract/relational_store.h"
#include "runtime/circuit_breaker.h"

namespace triune::runtime {

/// Whether an error is the store's own failure and not the request's: the connection died, or nothing could be reached.
/// A statement that ran into its deadline is the request's.
bool blames_store(const Error& error);

/// Forwards every call to another session. Reports when it is destroyed: failure if any error blamed the store, success
/// if calls were answered, nothing if none was made.
class GuardedSession final : public contract::RelationalSession {
 public:
  /// Owns the session.
  GuardedSession(std::unique_ptr<contract::RelationalSession> session, CircuitBreaker::Permit permit);
  /// Borrows it.
  GuardedSession(contract::RelationalSession& session, CircuitBreaker::Permit permit);
  ~GuardedSession() override;

  Result<RowSet> query(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) override;
  Status visit(std::string_view sql, std::span<const Value> parameters, const contract::RowVisitor& visitor) override;
  Result<std::uint64_t> execute(std::string_view sql, std::span<const Value> parameters) override;
  Status execute_soon(std::string_view sql, std::span<const Value> parameters, contract::LateAnswer answer) override;
  Result<std::uint64_t> execute_many(std::string_view sql, std::size_t column_count,
                                     std::span<const Value> values) override;
  Result<std::uint64_t> load_rows(std::string_view table, std::span<const std::string> columns,
                                  std::span<const Value> values) override;
  Status execute_script(std::string_view sql) override;
  Result<RowSet> execute_user(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) override;
  Result<contract::TableChange> table_change(std::string_view sql) override;
  Status savepoint(std::string_view name) override;
  Status release(std::string_view name) override;
  Status rollback_to(std::string_view name) override;

  /// Notes how a call outside of the session (a commit) went, and passes it on.
  template <class T>
  Result<T> noted(Result<T> result) {
    answered_ = answered_ || result.has_value() || !blames_store(result.error());
    if (!result && blame_.message.empty() && blames_store(result.error())) blame_ = result.error();
    return result;
  }

 private:
  std::unique_ptr<contract::RelationalSession> owned_;
  contract::RelationalSession& session_;
  CircuitBreaker::Permit permit_;
  bool answered_ = false;
  Error blame_;  ///< The first error that blamed the store; without a message when there was none.
};

}  // namespace triune::runtime
