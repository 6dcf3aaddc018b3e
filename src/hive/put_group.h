// Puts of one commit that a server gets as one statement over many rows: what a statement costs there, its triggers
// above all, is far more than what a row costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_set>
#include <vector>

#include "contract/relational_store.h"
#include "triune/status.h"

namespace triune::hive {

/// One row to be put: `before` and `after` stand around "(?1, ?2, …)", which may be repeated with commas between.
struct RowPut {
  std::string before;
  std::string after;
  std::vector<Value> values;
  /// What the statement is keyed by: it must not meet a key twice. Empty: it never does.
  std::string key;
};

/// "before (?1, …), (…), … after" for so many rows.
std::string statement_over(const RowPut& put, std::size_t rows);

/// Holds puts of one form, in order, and sends them with `execute_soon`. Whoever needs their effect calls `send`.
class PutGroup {
 public:
  /// Rows changed are added to `*changed`, which outlives the job.
  PutGroup(contract::RelationalSession& session, std::uint64_t* changed) : session_(session), changed_(changed) {}

  /// Sends first what it cannot go along with.
  Status add(RowPut put);
  Status send();

 private:
  [[nodiscard]] bool takes(const RowPut& put) const;

  contract::RelationalSession& session_;
  std::uint64_t* const changed_;
  RowPut form_;  ///< The texts and the number of values of those held.
  std::vector<Value> values_;
  std::size_t rows_ = 0;
  std::size_t bytes_ = 0;
  std::unordered_set<std::string> keys_;
};

}  // namespace triune::hive
