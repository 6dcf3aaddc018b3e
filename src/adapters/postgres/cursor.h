// A result of any size, read in batches that fit in memory.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "adapters/postgres/pipeline.h"
#include "triune/deadline.h"
#include "triune/status.h"
#include "triune/value.h"

namespace triune::adapters::postgres {

/// A cursor of the server. While one batch is looked at the next is on its way. Between two batches other statements
/// may run, other cursors among them. Lives within one transaction, and ends with it at the latest.
class Cursor {
 public:
  /// Whether a cursor can be declared for such a statement.
  static bool fits(const StatementText& text);

  /// Reads at most `most` rows.
  Cursor(Pipeline& pipeline, std::shared_ptr<Statement> statement, std::uint64_t number, std::size_t most);
  ~Cursor() { pipeline_.forget(&receiver_); }
  Cursor(const Cursor&) = delete;
  Cursor& operator=(const Cursor&) = delete;
  /// Sent along with the first batch.
  Status declare(const Parameters& parameters);
  /// The next batch.
  Status fetch(Deadline deadline);
  [[nodiscard]] bool at_end() const { return at_end_; }
  [[nodiscard]] std::size_t rows() const { return current_.rows; }
  [[nodiscard]] std::span<const Value> row(std::size_t number) const {
    return std::span(current_.values).subspan(number * columns_.size(), columns_.size());
  }
  [[nodiscard]] const std::vector<std::string>& columns() const { return columns_; }
  /// Sent along with whatever comes next.
  Status close();

 private:
  struct Batch {
    std::size_t wanted = 0;
    std::size_t rows = 0;
    std::size_t bytes = 0;
    std::vector<Value> values;  ///< Row by row.
  };
  Status ask();
  Status take(const PGresult* answer);

  Pipeline& pipeline_;
  const std::shared_ptr<Statement> statement_;
  const std::string name_;
  const Receiver receiver_;
  std::shared_ptr<Statement> fetching_;  ///< What was sent last.
  std::size_t left_;                     ///< Rows not asked for yet.
  std::size_t size_ = 256;               ///< Rows of the next batch; follows their size.
  bool asked_ = false;                   ///< The next batch is on its way.
  bool at_end_ = false;
  std::vector<std::string> columns_;
  Batch current_;
  Batch next_;
};

}  // namespace triune::adapters::postgres
