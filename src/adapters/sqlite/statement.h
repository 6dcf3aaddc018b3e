// A prepared statement, and values on their way in and out of it.
#pragma once

#include <sqlite3.h>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::sqlite {

/// Owns one sqlite3_stmt. Used by the thread that uses its connection.
class Statement {
 public:
  Statement() = default;

  /// Compiles the first statement of `sql`; `rest` receives the text behind it. Text of comments alone gives an empty
  /// Statement.
  static Result<Statement> compile(sqlite3* database, std::string_view sql, unsigned flags, std::string_view& rest);

  [[nodiscard]] bool empty() const { return handle_ == nullptr; }
  [[nodiscard]] sqlite3_stmt* handle() const { return handle_.get(); }
  [[nodiscard]] bool read_only() const { return sqlite3_stmt_readonly(handle_.get()) != 0; }
  [[nodiscard]] std::vector<std::string> column_names() const;

  /// Binds every parameter. Text and bytes are not copied: `values` must live until `reset`. Errors: `invalid_argument`
  /// for a wrong number, NaN, text with NUL or text that is not UTF-8.
  Status bind(std::span<const Value> values);
  /// Goes to the next row; false at the end.
  Result<bool> step();
  /// Copies the current row. `row` keeps its capacity from row to row.
  void read_row(std::vector<Value>& row) const;
  /// Ends the execution and forgets the bound values.
  void reset() noexcept;

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* handle) const { sqlite3_finalize(handle); }
  };
  Status bind_one(int index, const Value& value);
  Status bind_text(int index, std::string_view text);
  [[nodiscard]] sqlite3* database() const { return sqlite3_db_handle(handle_.get()); }

  std::unique_ptr<sqlite3_stmt, Finalizer> handle_;
};

/// A value that SQLite passes to a function.
Value value_of(sqlite3_value* value);
/// A value as the result of a function; what it holds is copied. A NaN is NULL.
void give_result(sqlite3_context* context, const Value& value);
/// Whether `word`, in small letters, occurs in `sql` in any case.
bool mentions(std::string_view sql, std::string_view word);

}  // namespace triune::adapters::sqlite
