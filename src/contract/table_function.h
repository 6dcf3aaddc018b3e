// Functions of SQL that return tables: how a relational engine asks others while it runs a statement.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/column_type.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::contract {

class RelationalSession;

/// What a statement sees of a function: `name(arguments…)` stands where a table may.
struct TableFunction {
  std::string name;                    ///< In the statement; unlike those of the others.
  std::vector<std::string> columns;    ///< Of what it returns.
  std::vector<ColumnType> types;       ///< Of the columns; empty where they differ from call to call.
  std::vector<std::string> arguments;  ///< In their order. Their names are unlike those of the columns.
  std::size_t required = 0;            ///< So many of the arguments must be given.
  std::optional<std::size_t> limit;    ///< The argument that says how many rows there are at most.
  double expected_rows = 10;           ///< Of one call, for the engine's planner.
  double expected_cost = 1'000;        ///< Of one call, in rows the engine could visit instead.
};

/// The error of a call that lacks argument number `argument`, counted from 0.
std::string missing_argument(const TableFunction& function, std::size_t argument);

/// What one call returns, row by row. Used by one thread.
class RowSource {
 public:
  virtual ~RowSource() = default;
  /// Replaces `row` by the next one, as wide as the function's columns; false at the end.
  virtual Result<bool> next(std::vector<Value>& row) = 0;
  /// Of the columns, where the function does not say; empty: nobody knows.
  [[nodiscard]] virtual std::span<const ColumnType> types() const = 0;
};

/// Places from here on are of calls that a call itself made, as in a predicate it was given.
inline constexpr int first_nested_place = 1'000'000;

/// What a step of an engine's plan did, over all of its loops.
struct StepFigures {
  std::int64_t step = 0;  ///< Its number in the plan.
  std::uint64_t loops = 0;
  std::uint64_t rows = 0;
  double estimated_rows = 0;  ///< Of one loop.
};

/// The functions of one statement. Used by the thread that runs the statement; `call` may be entered again while rows
/// of an earlier call are being read. Outlives the session that it was given to.
class TableFunctions {
 public:
  virtual ~TableFunctions() = default;
  /// The same at every call.
  [[nodiscard]] virtual std::span<const TableFunction> functions() const = 0;
  /// Calls number `function` with as many values as it has arguments, NULL for those that were not given. `session` is
  /// the one the statement runs in, for reading in its snapshot. `place` tells the places of a function in the
  /// statement apart: it is the number that the engine's plan shows. Blocks as the function does. An error ends the
  /// statement and is returned from it as it is.
  virtual Result<std::unique_ptr<RowSource>> call(std::size_t function, int place, RelationalSession& session,
                                                  std::span<const Value> arguments) = 0;
  /// The statement whose steps are to be measured, in the words in which it will be run; empty: none.
  [[nodiscard]] virtual std::string_view measured_statement() const = 0;
  /// Told of each step of that statement when its rows were returned.
  virtual void measured(const StepFigures& figures) = 0;
};

}  // namespace triune::contract
