// The foreign database as the steps of an assessment see it: bounds on each statement, the end of the whole, the
// problems met.
#pragma once

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "contract/foreign_database.h"
#include "placement/assess.h"

namespace triune::placement {

class Source {
 public:
  Source(contract::ForeignDatabase& database, const AssessOptions& options, bool reads_hold_writers)
      : database_(database),
        options_(options),
        piece_(reads_hold_writers ? std::chrono::milliseconds(50) : std::chrono::milliseconds(200)),
        longest_(reads_hold_writers ? std::chrono::milliseconds(1000) : std::chrono::milliseconds(10'000)) {}

  /// Rows of one statement, which may take `longest()`.
  Result<RowSet> rows(std::string_view sql, std::span<const Value> parameters = {}, std::size_t most = 1'000'000);
  /// The first cell of the first row; NULL without one.
  Result<Value> cell(std::string_view sql, std::span<const Value> parameters = {});
  Result<std::int64_t> number(std::string_view sql, std::span<const Value> parameters = {});
  /// See ForeignDatabase::scratch.
  Status scratch(std::string_view sql, std::span<const Value> parameters = {});

  /// `cancelled` or `deadline_exceeded` when the assessment must end.
  Status go_on() const;
  /// Notes a problem and goes on, unless the assessment must end.
  Status note(std::string where, const Error& error);

  /// How long a piece of work on a table should take, and how long a statement may.
  [[nodiscard]] std::chrono::milliseconds piece() const { return piece_; }
  [[nodiscard]] std::chrono::milliseconds longest() const { return longest_; }
  void set_longest(std::chrono::milliseconds longest) { longest_ = longest; }
  [[nodiscard]] const AssessOptions& options() const { return options_; }
  [[nodiscard]] std::vector<ProblemReport>& problems() { return problems_; }

 private:
  [[nodiscard]] Deadline statement_deadline() const;
  /// Runs a statement again while writers hold the file; waiting for them is no part of a statement's time.
  template <class Statement>
  auto patiently(Statement statement) -> decltype(statement(Deadline::never()));

  contract::ForeignDatabase& database_;
  const AssessOptions& options_;
  const std::chrono::milliseconds piece_;
  std::chrono::milliseconds longest_;
  std::vector<ProblemReport> problems_;
};

}  // namespace triune::placement
