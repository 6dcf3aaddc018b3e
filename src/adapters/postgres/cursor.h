// A result of any size, read in batches that fit in memory.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "adapters/postgres/pipeline.h"
#include "triune/deadline.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::postgres {

/// A cursor of the server. Between two batches other statements may run, other cursors among them. Lives within one
/// transaction, and ends with it at the latest.
class Cursor {
 public:
  /// Whether a cursor can be declared for such a statement.
  static bool fits(const StatementText& text);

  Cursor(Pipeline& pipeline, std::shared_ptr<Statement> statement, std::uint64_t number);
  /// Sent along with the first batch.
  Status declare(const Parameters& parameters);
  /// The next batch, at most `most` rows of it.
  Status fetch(std::size_t most, Deadline deadline);
  [[nodiscard]] bool at_end() const { return at_end_; }
  [[nodiscard]] const std::vector<std::vector<Value>>& rows() const { return rows_; }
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  /// Sent along with whatever comes next.
  Status close();

 private:
  Status take(const PGresult* answer);

  Pipeline& pipeline_;
  const std::shared_ptr<Statement> statement_;
  const std::string name_;
  std::size_t batch_ = 256;  ///< Rows of the next batch; follows their size.
  bool at_end_ = false;
  std::size_t bytes_ = 0;
  std::vector<std::string> columns_;
  std::vector<std::vector<Value>> rows_;
};

}  // namespace triune::adapters::postgres
