// One SQLite connection with its settings, its deadline, its authority and its statements.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "adapters/sqlite/authorizer.h"
#include "adapters/sqlite/statement.h"
#include "adapters/sqlite/statement_cache.h"
#include "triune/deadline.h"
#include "triune/status.h"

namespace triune::adapters::sqlite {

class Connection;

/// A statement in use; on destruction it is reset and goes back to its connection's cache.
class StatementLease {
 public:
  StatementLease(Statement own) : own_(std::move(own)) {}
  StatementLease(StatementCache::Entry& entry) : entry_(&entry) {}
  StatementLease(StatementLease&& other) noexcept;
  StatementLease& operator=(StatementLease&&) = delete;
  ~StatementLease();

  Statement* operator->() { return entry_ != nullptr ? &entry_->statement : &own_; }
  Statement& operator*() { return *operator->(); }

 private:
  StatementCache::Entry* entry_ = nullptr;
  Statement own_;
};

/// How a connection is opened.
struct ConnectionOptions {
  enum class Role : std::uint8_t {
    writer,
    reader,
    foreign,  ///< Reads a file of another program, whose schema is not to be trusted; may write temporary tables.
  };
  std::filesystem::path path;
  Role role = Role::reader;
  std::uint64_t cache_bytes = 8UL << 20U;
  bool immutable = false;  ///< Foreign: nobody writes the file, so it is read without locks and without its log.
};

/// Used by one thread at a time; may move between threads that synchronise with each other.
class Connection {
 public:
  /// Opens the file; the writer creates it when it is absent and puts it into WAL mode. Errors: `unavailable`,
  /// `corruption` when the file is no database.
  static Result<std::unique_ptr<Connection>> open(const ConnectionOptions& options);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The one statement in `sql`, compiled under the authority in force, from the cache when it was compiled before.
  /// Errors: `invalid_argument` for text that does not parse, holds no statement or more than one; `permission_denied`.
  Result<StatementLease> prepare(std::string_view sql);
  /// The same, compiled anew: for statements whose authority changes once they are compiled.
  Result<StatementLease> prepare_uncached(std::string_view sql);
  /// Compiles the first of several statements; empty when there is none.
  Result<Statement> compile(std::string_view sql, std::string_view& rest);
  /// Makes sure that the schema in memory is that of the file as the transaction in force sees it.
  Status refresh_schema();
  /// Runs a statement of the adapter itself, without rows, whatever the authority in force.
  Status control(std::string_view sql);
  /// Like `control`, with SQLite's result code, for those that must tell failures apart.
  int control_code(std::string_view sql);

  /// Until when statements may run and wait for locks.
  void set_deadline(Deadline deadline) { deadline_ = deadline; }
  /// Tighter bounds on what a statement may need, for SQL given by users.
  void set_user_limits(bool on);
  /// Whether views and triggers may call only functions marked as harmless. A change costs: every cached statement is
  /// compiled again.
  void set_schema_trusted(bool trusted);
  [[nodiscard]] bool schema_trusted() const { return schema_trusted_; }
  /// Who compiles. Returns who did before.
  Authority set_authority(Authority authority);
  [[nodiscard]] const Authorizer& authorizer() const { return authorizer_; }

  [[nodiscard]] sqlite3* handle() const { return database_.get(); }
  /// Whether BEGIN is in force. An error can end a transaction by itself (full disk, OR ROLLBACK, an interrupted
  /// write).
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(database_.get()) == 0; }
  /// Whether a foreign key is broken that only COMMIT would report.
  [[nodiscard]] bool has_deferred_violations() const;
  /// Rows changed so far, those of triggers included.
  [[nodiscard]] std::int64_t total_changes() const { return sqlite3_total_changes64(database_.get()); }
  /// Frames in the write-ahead log after the last commit of this connection.
  [[nodiscard]] int log_frames() const { return log_frames_; }

 private:
  struct Closer {
    void operator()(sqlite3* database) const { sqlite3_close(database); }
  };
  Connection();
  Status configure(const ConnectionOptions& options);
  Status configure_writer();
  Status configure_foreign();
  void install_callbacks();
  Result<Statement> compile_next(std::string_view sql, std::string_view& rest);
  Result<StatementLease> prepare_anew(std::string_view sql, bool keep);
  static int on_progress(void* self);
  static int on_busy(void* self, int attempt);
  static int on_commit(void* self, sqlite3* database, const char* name, int frames);

  Deadline deadline_ = Deadline::never();
  Authorizer authorizer_;
  int log_frames_ = 0;
  bool schema_trusted_ = true;
  std::unique_ptr<sqlite3, Closer> database_;
  StatementCache cache_;
};

/// Puts an authority in force for a scope.
class AuthorityScope {
 public:
  AuthorityScope(Connection& connection, Authority authority)
      : connection_(connection), before_(connection.set_authority(authority)) {}
  AuthorityScope(const AuthorityScope&) = delete;
  AuthorityScope& operator=(const AuthorityScope&) = delete;
  ~AuthorityScope() { connection_.set_authority(before_); }

 private:
  Connection& connection_;
  Authority before_;
};

}  // namespace triune::adapters::sqlite
