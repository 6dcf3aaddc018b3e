// Batches of a load through the store's bulk path, where statements row by row would each cost a server's round of
// work: PostgreSQL's COPY. What is new goes straight into the table; what may be there already goes into a temporary
// table of the transaction first and from there in one statement.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/relational_store.h"
#include "triune/status.h"

namespace triune::hive {

/// Appends the values of one row of a batch. Called from another thread than the session's, one call at a time.
using RowValues = std::function<void(std::size_t row, std::vector<Value>& values)>;

/// Rows of one batch on their way into a table.
struct CopiedRows {
  std::size_t count = 0;
  std::vector<std::string> columns;
  RowValues values;
};

/// Whether the session has a bulk path that is worth the way, and may use it.
Result<bool> has_bulk_path(contract::RelationalSession& session);

/// Adds rows to a table; `conflict` when one of them is there already.
Result<std::uint64_t> copy_rows(contract::RelationalSession& session, std::string_view table, const CopiedRows& rows);

/// The same, but a row that is there already undoes all of it: then false, and the session goes on.
Result<bool> copy_new_rows(contract::RelationalSession& session, std::string_view table, const CopiedRows& rows);

/// A table of the transaction's own, called `staging_table`, with the rows.
Status stage_rows(contract::RelationalSession& session, std::string_view column_definitions, const CopiedRows& rows);
Status drop_staged_rows(contract::RelationalSession& session);
inline constexpr std::string_view staging_table = "triune_load";

/// For each of the keys how many equal ones come before it: one statement must not meet a row twice. The keys outlive
/// the call only.
class Rounds {
 public:
  explicit Rounds(std::span<const std::string_view> keys);
  [[nodiscard]] std::int64_t of(std::size_t row) const { return rounds_[row]; }
  /// How many statements it takes; 1 when all keys differ.
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  std::vector<std::int32_t> rounds_;
  std::int64_t count_ = 1;
};

}  // namespace triune::hive
