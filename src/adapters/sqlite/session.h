// Statements on one connection: the relational contract's session.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/sqlite/connection.h"
#include "adapters/sqlite/function_tables.h"
#include "contract/relational_store.h"

namespace triune::adapters::sqlite {

/// Runs inside a transaction that its owner has begun. SQLite ends a transaction by itself on some errors (full disk,
/// OR ROLLBACK, an interrupted write); from then on the session refuses every call, since a statement would commit
/// alone.
class Session : public contract::RelationalSession {
 public:
  enum class Kind : std::uint8_t { internal_read, user_read, write };
  Session(Connection& connection, Kind kind)
      : contract::RelationalSession(contract::Dialect::sqlite), connection_(connection), kind_(kind) {}

  Result<RowSet> query(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) override;
  Status visit(std::string_view sql, std::span<const Value> parameters, const contract::RowVisitor& visitor) override;
  Result<std::uint64_t> execute(std::string_view sql, std::span<const Value> parameters) override;
  Status execute_soon(std::string_view sql, std::span<const Value> parameters, contract::LateAnswer answer) override;
  Result<std::uint64_t> load_rows(std::string_view table, std::span<const std::string> columns,
                                  std::span<const Value> values) override;
  Result<std::uint64_t> execute_many(std::string_view sql, std::size_t column_count,
                                     std::span<const Value> values) override;
  Status execute_script(std::string_view sql) override;
  Result<RowSet> execute_user(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) override;
  Result<contract::TableChange> table_change(std::string_view sql) override;
  Status savepoint(std::string_view name) override;
  Status release(std::string_view name) override;
  Status rollback_to(std::string_view name) override;

  /// Statements may use these functions as tables from now on.
  void use(contract::TableFunctions& functions);
  /// Releases the savepoints that are still open.
  Status release_all();
  /// Refuses every call from now on: the connection belongs to someone else.
  void close() { lost_ = true; }
  /// Whether the transaction is gone without the owner's doing.
  [[nodiscard]] bool lost_transaction() const { return lost_; }
  /// Whether an error said that the connection must not be used again.
  [[nodiscard]] bool failed_for_good() const { return failed_for_good_; }

 protected:
  [[nodiscard]] Connection& connection() const { return connection_; }

 private:
  [[nodiscard]] Authority authority() const;
  /// Refuses when the transaction is gone.
  Status usable() const;
  /// Passes `result` on, having noted whether the transaction ended.
  template <class T>
  Result<T> checked(Result<T> result);
  Result<StatementLease> start(std::string_view sql, std::span<const Value> parameters);
  Result<RowSet> collect(Statement& statement, std::size_t max_rows);
  Status deliver(Statement& statement, const contract::RowVisitor& visitor);
  Result<std::uint64_t> run_to_end(Statement& statement);
  Result<std::uint64_t> run_many(std::string_view sql, std::size_t column_count, std::span<const Value> values);
  Status run_script(std::string_view sql);
  /// Runs the first statement of `sql`; `rest` receives the text behind it.
  Status run_first(std::string_view sql, std::string_view& rest);
  Result<RowSet> run_user(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows);
  Result<RowSet> run_user_alteration(Statement& statement);
  Result<std::vector<std::string>> protected_names();
  /// The position of the innermost open savepoint called `name`.
  Result<std::size_t> find_savepoint(std::string_view name) const;

  Connection& connection_;
  Kind kind_;
  bool lost_ = false;
  bool failed_for_good_ = false;
  std::optional<FunctionTables> functions_;
  std::vector<std::string> savepoints_;  ///< Open ones, outermost first.
};

}  // namespace triune::adapters::sqlite
