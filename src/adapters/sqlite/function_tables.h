// Functions of other engines as eponymous virtual tables of one connection.
// Source of the interface: https://sqlite.org/vtab.html, section 2.1.2 (table-valued functions).
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "adapters/sqlite/connection.h"
#include "contract/table_function.h"

namespace triune::adapters::sqlite {

/// Registers the functions on construction and takes them away on destruction, when no statement that used them may be
/// left. Used by the thread that uses the connection.
class FunctionTables {
 public:
  FunctionTables(Connection& connection, contract::RelationalSession& session, contract::TableFunctions& functions);
  ~FunctionTables();
  FunctionTables(const FunctionTables&) = delete;
  FunctionTables& operator=(const FunctionTables&) = delete;

  /// Whether the statement may use one of them, so that it must not stay compiled.
  [[nodiscard]] bool used_by(std::string_view sql) const;
  /// Before a statement is compiled that uses them: the places in a statement have the same numbers each time, and
  /// those in what a function itself asks have others.
  void number_places();
  /// Whether a statement must be compiled anew, since it is to be measured, or shown as it will be measured.
  [[nodiscard]] bool measures(std::string_view sql) const;
  /// When the rows of a statement were returned: tells the functions what its steps did, if they want to know.
  void report_steps(std::string_view sql, sqlite3_stmt* statement) const;
  /// The error of the function that ended the last statement, which SQLite passes on as mere text; success: none did.
  Status take_error();

 private:
  friend struct FunctionModule;
  /// What SQLite hands back to a module.
  struct Registered {
    FunctionTables* tables;
    std::size_t number;
  };

  void count_steps(bool on);

  Connection& connection_;
  contract::RelationalSession& session_;
  contract::TableFunctions& functions_;
  std::deque<Registered> registered_;
  int places_ = 0;
  int calls_ = 0;  ///< Under way, one within the other.
  Status error_;
};

}  // namespace triune::adapters::sqlite
