// Statements on one connection: the relational contract's session.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "adapters/postgres/connection.h"
#include "adapters/postgres/types.h"
#include "adapters/postgres/user_rules.h"
#include "contract/relational_store.h"

namespace triune::adapters::postgres {

/// Runs in a transaction of its own, which begins together with the first statement. After an error of the server it
/// refuses everything but `rollback_to`. In the use of one thread.
class Session : public contract::RelationalSession {
 public:
  enum class Kind : std::uint8_t { internal_read, user_read, write };
  /// Told of every error of the server, before the caller is.
  using Alarm = std::function<void(const Error&)>;
  Session(Connection& connection, Kind kind, Deadline deadline, const Alarm& alarm)
      : contract::RelationalSession(contract::Dialect::postgres),
        connection_(connection),
        kind_(kind),
        deadline_(deadline),
        alarm_(alarm) {}
  /// Rolls back what was not committed, without waiting.
  ~Session() override;

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

  /// Before the first statement: fail instead of waiting longer for a lock.
  Status limit_lock_waits(std::chrono::milliseconds longest);
  /// Ends the session with a COMMIT. Errors: `outcome_unknown` when it was not answered; what a statement failed with
  /// before, also when the caller overlooked it.
  Status commit();
  /// Ends the session without one.
  void abandon();
  /// The same by the caller's word: an error when the session has ended already.
  Status roll_back_by_word();
  /// Whether the server understands the statement. It is not run.
  Status parse(std::string_view sql);

 private:
  struct Prepared {
    Parameters parameters;
    std::shared_ptr<Statement> statement;
  };
  /// Whether it takes statements at all.
  Status ready() const;
  /// Checks and translates; sends nothing.
  Result<Prepared> start(std::string_view sql, std::span<const Value> parameters);
  Status check_kind(const Statement& statement) const;
  /// Sends it, together with the beginning of the transaction if that is yet to be done.
  Status send(const Prepared& prepared, Order order);
  Status begin();
  /// What a transaction behind a pooler sets for itself.
  std::string settings() const;
  Status tighten_timeout();
  /// Whether a reading session that failed at its very first statement has been set back to its beginning.
  bool can_start_anew(const Error& error);
  Status settle();
  /// Passes `result` on, having noted what an error of the server means for the session and its connection.
  Status checked(Status result);
  /// Sends a command of the adapter's own whose text repeats.
  Status own(std::string_view command, Order order = {});
  /// A command of the adapter's own, and its answer.
  Status control(std::string_view command);
  /// The same for one that mends a failed transaction.
  Status recover(std::string_view command);
  Status send_commit();
  void roll_back();
  Result<RowSet> collect(const Prepared& prepared, std::size_t max_rows);
  Status fetch(const Prepared& prepared, std::size_t most, std::vector<std::string>* columns,
               const contract::RowVisitor& visitor);
  /// The types of columns, while nobody can change them; `none` for one that is not there.
  Result<std::vector<Type>> column_types(std::string_view table, std::span<const std::string> columns);
  Status copy(std::string_view table, std::span<const std::string> columns, std::span<const Value> values,
              std::uint64_t& added);
  /// Rows of a query, those beyond `max_rows` not even made by the server.
  Result<RowSet> collect_some(const Prepared& prepared, std::size_t max_rows);
  /// Inside of a savepoint.
  Result<RowSet> run_user(const UserStatement& user, const Prepared& prepared, std::size_t max_rows);
  /// `permission_denied` when a target is a view through which something of Triune's would be written.
  Status check_targets(const std::vector<std::string>& targets);
  /// Everything of Triune's in the catalogue, as one text.
  Result<std::string> protected_objects();
  Result<std::size_t> find_savepoint(std::string_view name) const;

  void ask_at_end(std::string_view sql, std::span<const Value> parameters, RowSet& answer);
  /// Sends what was to be asked at the end.
  Status ask_questions();

  /// A statement to be sent just before the COMMIT, for all who asked it.
  struct Question {
    std::string sql;
    std::vector<Value> parameters;
    std::vector<RowSet*> askers;
  };

  Connection& connection_;
  const Kind kind_;
  const Deadline deadline_;
  const Alarm& alarm_;
  bool begun_ = false;
  bool answered_ = false;  ///< It has seen something of its snapshot.
  bool ended_ = false;
  std::uint64_t cursors_ = 0;
  std::int64_t timeout_ = 0;             ///< Milliseconds that the server was told; 0: none.
  std::deque<Receiver> late_receivers_;  ///< Of rows that arrive later, at places that stay.
  std::vector<Question> questions_;
  Status failed_;  ///< The first error since the last savepoint that was rolled back to.
  std::vector<std::string> savepoints_;
};

}  // namespace triune::adapters::postgres
