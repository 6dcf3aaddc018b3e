// The only door to the Kuzu library: databases, sessions, statements. No Kuzu header is needed to use it.
//
// What it takes care of (research of the engine's traps):
// - Kuzu plans a statement anew at each execution and never frees a prepared one before its connection: statements are
//   cached by their text, and the connection is replaced when the cache is full.
// - A prepared statement keeps the arguments of its last execution: tables are dropped from it afterwards.
// - Results, statements, connections and the database must go in this order: a session owns the first three and visits
//   results inside one call.
// - Exceptions end here.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "contract/column_type.h"
#include "contract/graph_store.h"
#include "triune/deadline.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::kuzu {

/// Rows for `UNWIND $name AS r`: the columns are called c0, c1, … (`r.c0`), so that no name of the user gets into the
/// text.
struct ArgumentTable {
  std::vector<contract::PropertyType> columns;
  std::vector<std::vector<Value>> rows;
};

/// What a `$name` can be bound to. Json is bound as its text, Bytes as a BLOB.
using Argument = std::variant<Value, std::vector<std::string>, ArgumentTable>;
using Arguments = std::vector<std::pair<std::string, Argument>>;

/// Of a result.
struct Columns {
  std::vector<std::string> names;
  std::vector<contract::ColumnType> types;
};

/// Receives one row of a result; an error stops the visit and is returned from it.
using RowVisitor = std::function<Status(std::span<const Value>)>;

/// One connection, in the use of one thread at a time.
class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  /// Every later call ends by then with `deadline_exceeded`.
  void set_deadline(Deadline deadline) { deadline_ = deadline; }
  [[nodiscard]] Deadline deadline() const { return deadline_; }

  /// One statement without arguments and without interest in its result (BEGIN TRANSACTION, DDL, COPY).
  Status execute(std::string_view cypher);
  /// One statement with arguments; its rows are dropped.
  Status execute(std::string_view cypher, const Arguments& arguments);
  /// Rows one by one. `columns`, if given, are told before the first.
  Status visit(std::string_view cypher, const Arguments& arguments, const RowVisitor& visitor,
               Columns* columns = nullptr);
  /// The single integer of a one-row result.
  Result<std::int64_t> integer(std::string_view cypher, const Arguments& arguments);
  /// Parses and binds without running and says whether the statement only reads. A writing statement begins and ends a
  /// write transaction while it is bound, so the caller must hold the writer's turn unless it knows that this one
  /// reads.
  Result<bool> is_read_only(std::string_view cypher, const Arguments& arguments);

  /// Until the guard goes, statements also see Kuzu's internal tables, where the position is kept (out of the sight of
  /// `MATCH (n)`).
  class InternalTables {
   public:
    explicit InternalTables(Session& session) : session_(session) { session_.internal_tables_ = true; }
    InternalTables(const InternalTables&) = delete;
    InternalTables& operator=(const InternalTables&) = delete;
    ~InternalTables() { session_.internal_tables_ = false; }

   private:
    Session& session_;
  };

 private:
  friend class Engine;
  friend struct NativeAccess;
  struct Native;
  explicit Session(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
  Deadline deadline_ = Deadline::never();
  bool internal_tables_ = false;
};

struct EngineSettings {
  std::uint64_t buffer_pool_bytes = 0;
  std::uint64_t maximum_database_bytes = 0;
  std::uint32_t threads = 2;
};

/// One opened database file. Sessions must be gone before it.
class Engine {
 public:
  /// Opens or creates the file and replays its log. Errors: `corruption`, `unavailable`.
  static Result<std::unique_ptr<Engine>> open(const std::filesystem::path& file, const EngineSettings& settings);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine();

  Result<std::unique_ptr<Session>> connect();

 private:
  struct Native;
  explicit Engine(std::unique_ptr<Native> native);

  std::unique_ptr<Native> native_;
};

}  // namespace triune::adapters::kuzu
