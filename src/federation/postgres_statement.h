// What PostgreSQL's own grammar says about a statement: libpg_query, the server's parser as a library.
#pragma once

#include <cstddef>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "federation/function_calls.h"
#include "triune/status.h"

namespace triune::federation {

/// Bytes of a statement.
struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  [[nodiscard]] bool holds(std::size_t offset) const { return offset >= begin && offset < end; }
};

/// `name` or `qualifier.name` in an expression.
struct ColumnUse {
  std::size_t offset = 0;
  std::string qualifier;  ///< Empty where there is none.
  std::string name;
  std::vector<std::size_t> subqueries;  ///< Where those around it begin, outermost first.
};

/// An item of FROM by the name its columns may be asked for.
struct FromItem {
  std::size_t offset = 0;  ///< Somewhere in it.
  std::string name;
};

/// One statement, taken apart. All offsets are of the text that was given.
class PostgresStatement {
 public:
  enum class Text : std::uint8_t { statement, predicate };

  /// `calls` are those that words suggest: right of IN they are no grammar of PostgreSQL's, and parameters are written
  /// `?1`. Errors: `invalid_argument` in the words of PostgreSQL, with the place, and for several statements;
  /// `permission_denied` for anything that is no SELECT.
  static Result<PostgresStatement> parse(std::string_view sql, std::span<const FunctionCall> calls, Text text);

  /// Whether what begins at `offset` stands where a table may.
  [[nodiscard]] bool is_table(std::size_t offset) const { return tables_.contains(offset); }
  /// Whether a function is called there, as a table or as a value.
  [[nodiscard]] bool is_call(std::size_t offset) const { return calls_.contains(offset); }
  /// Columns that are named in the range and not by a subquery of its own.
  [[nodiscard]] std::vector<const ColumnUse*> columns_in(TextRange range) const;
  /// Names of the items of FROM that lie in the range, also deep in it.
  [[nodiscard]] std::set<std::string> items_in(TextRange range) const;

 private:
  friend class TreeReader;
  std::set<std::size_t> tables_;
  std::set<std::size_t> calls_;
  std::vector<ColumnUse> columns_;
  std::vector<FromItem> items_;
};

}  // namespace triune::federation
