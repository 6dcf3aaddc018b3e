// The contract of a relational engine: the canonical store, and any other SQL database.
//
// SQL uses `?1`, `?2`, … for values in every dialect; the adapter translates. Identifiers are quoted by the caller with
// `quote_identifier` of model/sql_text.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/capabilities.h"
#include "contract/change_signal.h"
#include "contract/connection_pool.h"
#include "contract/dialect.h"
#include "contract/position.h"
#include "contract/table_function.h"
#include "triune/deadline.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::contract {

/// Receives rows one by one; the span is valid during the call. An error stops the query and is returned from it.
using RowVisitor = std::function<Status(std::span<const Value>)>;

/// What a statement would do to a table, were it run.
struct TableChange {
  enum class Kind : std::uint8_t { none, drop, alter };
  Kind kind = Kind::none;
  std::string table;
};

/// Where the answer of a statement that was sent along goes. What is pointed to lives until the job has ended and its
/// commit returned; an answer that never comes leaves it as it is.
struct LateAnswer {
  std::uint64_t* changed = nullptr;  ///< The number of rows changed is added.
  RowSet* rows = nullptr;            ///< Its rows, at most `late_row_limit`.
  /// It is asked when all else of the transaction was sent, at the latest; of equal ones one may serve all.
  bool at_end = false;
};
inline constexpr std::size_t late_row_limit = 1'000;

/// One connection in the use of one thread. Statements are prepared once and cached by their text. After a statement
/// failed, a session may refuse everything but `rollback_to` a savepoint set before; `execute_user` undoes itself.
class RelationalSession {
 public:
  explicit RelationalSession(Dialect dialect) : dialect_(dialect) {}
  virtual ~RelationalSession() = default;
  RelationalSession(const RelationalSession&) = delete;
  RelationalSession& operator=(const RelationalSession&) = delete;
  [[nodiscard]] Dialect dialect() const { return dialect_; }

  /// All rows, at most `max_rows` (then `truncated`).
  virtual Result<RowSet> query(std::string_view sql, std::span<const Value> parameters, std::size_t max_rows) = 0;
  /// Rows one by one, for results that must not be held in memory.
  virtual Status visit(std::string_view sql, std::span<const Value> parameters, const RowVisitor& visitor) = 0;
  /// A statement without rows; returns how many rows it changed (of the statement itself, not of its triggers).
  virtual Result<std::uint64_t> execute(std::string_view sql, std::span<const Value> parameters) = 0;
  /// Any statement whose answer nobody needs yet: a session that talks over a network sends it along with the next one,
  /// the last with the commit. The answer is there when the next other call, or the commit, has returned; an error
  /// comes then too. Otherwise in the order of the calls.
  virtual Status execute_soon(std::string_view sql, std::span<const Value> parameters, LateAnswer answer) = 0;
  /// Runs one statement once for each `column_count` of `values`, laid out row by row. Returns rows changed.
  virtual Result<std::uint64_t> execute_many(std::string_view sql, std::size_t column_count,
                                             std::span<const Value> values) = 0;
  /// Adds rows to a table through the engine's bulk path, `values` row by row in the order of `columns`. Triggers and
  /// constraints hold; a row that is there already is an error. Returns rows added. Error: as of `execute`.
  virtual Result<std::uint64_t> load_rows(std::string_view table, std::span<const std::string> columns,
                                          std::span<const Value> values) = 0;
  /// Several statements without parameters, as in a migration.
  virtual Status execute_script(std::string_view sql) = 0;
  /// A statement given by a user, inside a write job: any one statement except transaction control, ATTACH and PRAGMA,
  /// and except writes to and definitions of tables, views, triggers and indexes whose name starts with `triune_`.
  /// Triggers so named that it fires may write them. Returns its rows (of a SELECT or RETURNING). Errors:
  /// `invalid_argument`, `permission_denied`, and those of `execute`; in a read session `permission_denied`.
  virtual Result<RowSet> execute_user(std::string_view sql, std::span<const Value> parameters,
                                      std::size_t max_rows) = 0;
  /// Whether a user's statement drops or alters a table, decided by the engine's parser; it is not run. A statement
  /// that does not parse does nothing.
  virtual Result<TableChange> table_change(std::string_view sql) = 0;
  /// Savepoints nest; `rollback_to` keeps the savepoint, `release` drops it and keeps the work.
  virtual Status savepoint(std::string_view name) = 0;
  virtual Status release(std::string_view name) = 0;
  virtual Status rollback_to(std::string_view name) = 0;

 private:
  const Dialect dialect_;
};

/// A transaction that owns the writing connection until it ends. Destruction without `commit` rolls back.
class RelationalTransaction {
 public:
  virtual ~RelationalTransaction() = default;
  virtual RelationalSession& session() = 0;
  /// From now on until the transaction ends, foreign keys and CHECKs are not looked at: for rows that another database
  /// held already and that are taken as they are. `unsupported` where an engine adds constraints afterwards instead.
  virtual Status trust_rows() = 0;
  /// Blocks until durable (I1). An error may have `outcome_unknown` (I11).
  virtual Status commit() = 0;
  virtual Status rollback() = 0;
};

/// Work for the writer. May run again from the start if the engine asks for a retry (a deadlock, a serialization
/// failure), so it must have no other effects.
using WriteJob = std::function<Status(RelationalSession&)>;

/// Whether a job may have its transaction together with jobs of other callers.
enum class WriteMode : std::uint8_t {
  alone,   ///< It waits for nobody; the rule on a server.
  shared,  ///< It asks for no answer before its commit: several such jobs are one transaction where that is cheaper.
};

/// Who may do what in a read session.
enum class ReadScope : std::uint8_t {
  internal,  ///< Triune's own reads.
  user,      ///< SQL given by a user: one statement, nothing but reading, in defensive mode.
};

/// Of a circuit breaker, where one guards the store.
struct BreakerStatistics {
  enum class State : std::uint8_t {
    closed,     ///< Calls pass.
    open,       ///< Calls fail at once.
    half_open,  ///< A few calls are let through to try.
  };
  std::string name;  ///< "node/role".
  State state = State::closed;
  std::uint64_t calls = 0;     ///< Let through.
  std::uint64_t failures = 0;  ///< Of them, those that blame the store.
  std::uint64_t refused = 0;   ///< Failed at once.
  std::uint64_t opened = 0;    ///< How often it opened.
  std::string last_reason;     ///< Of the last failure.
};

struct RelationalStatistics {
  std::uint64_t file_bytes = 0;
  std::uint64_t log_bytes = 0;  ///< Write-ahead log not yet checkpointed.
  std::uint64_t commits = 0;    ///< Write jobs committed since open.
  std::uint64_t groups = 0;     ///< Engine transactions they were grouped into.
  std::uint64_t reads = 0;
  std::vector<PoolStatistics> pools;
  std::vector<BreakerStatistics> breakers;
};

/// A column of a table, from the catalogue.
struct ColumnDescription {
  std::string name;
  std::string type;
  std::uint32_t primary_key_position = 0;  ///< 1-based; 0: not part of the key.
  bool not_null = false;
};

/// The `place` of a call is whom the pools name as the borrower of a connection (`PoolStatistics::oldest_borrower`); it
/// is the caller's unless another is given.
class RelationalStore {
 public:
  virtual ~RelationalStore() = default;  ///< Waits for the work in flight, then closes.

  [[nodiscard]] virtual RelationalCapabilities capabilities() const = 0;
  /// A connection from the read pool that sees one snapshot from its first statement until it is destroyed. Blocks
  /// while all are out. The deadline also bounds every statement of the session. Errors: `deadline_exceeded`,
  /// `unavailable`. With `functions` (which may be null, and outlive the session) its statements may use these as
  /// tables, where the engine has that (`RelationalCapabilities::table_functions`); `unsupported` elsewhere.
  virtual Result<std::unique_ptr<RelationalSession>> read(
      ReadScope scope, Deadline deadline, TableFunctions* functions = nullptr,
      std::source_location place = std::source_location::current()) = 0;
  /// Runs `job` in a durable transaction. An engine with one writer always shares it among jobs that wait, a server
  /// as `mode` says; whichever way, an error undoes this job alone. Blocks until durable. Errors: the job's own,
  /// `deadline_exceeded` (not begun, `safe`), `resource_exhausted` (queue full, `safe`), `outcome_unknown` ones when
  /// the commit itself failed.
  virtual Status write(const WriteJob& job, Deadline deadline, WriteMode mode = WriteMode::alone,
                       std::source_location place = std::source_location::current()) = 0;
  /// A transaction over several calls. Waits its turn in the same queue as `write`.
  virtual Result<std::unique_ptr<RelationalTransaction>> begin(
      Deadline deadline, std::source_location place = std::source_location::current()) = 0;
  /// One statement of Triune's own outside of any transaction, for the few that refuse to run within one, such as
  /// CREATE INDEX CONCURRENTLY. Its effect may be partial when it fails. Blocks until it has ended. Errors:
  /// `unsupported` in engines without such statements; those of `RelationalSession::execute`.
  virtual Status run_outside(std::string_view sql, Deadline deadline) = 0;
  /// Whether a statement only reads, decided by the engine's parser and not by its text. Blocks while
  /// no connection of the read pool is free. Errors: `invalid_argument`, those of `read`.
  virtual Result<bool> is_read_only(std::string_view sql, Deadline deadline) = 0;
  /// The columns of a table or view in their order; `not_found`.
  virtual Result<std::vector<ColumnDescription>> describe(std::string_view table) = 0;
  virtual Result<RelationalStatistics> statistics() = 0;
  virtual Health health() = 0;
  /// Moves the write-ahead log into the main file as far as readers allow.
  virtual Status checkpoint() = 0;
  /// Sends to and hears from other processes on the same store by the name `channel`. `unsupported` where there are
  /// none, or where the server cannot reach a client by itself. Does not block: connects in the background.
  virtual Result<std::unique_ptr<ChangeSignal>> change_signal(const std::string& channel, SignalHeard heard) = 0;
};

}  // namespace triune::contract
