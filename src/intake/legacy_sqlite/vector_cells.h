// The vectors that a column of the source holds, one after the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "intake/legacy_sqlite/plan.h"
#include "intake/legacy_sqlite/row_layout.h"
#include "intake/legacy_sqlite/source.h"

namespace triune::intake::legacy {

/// Used by one thread. The source and the plan outlive it.
class VectorCells {
 public:
  static Result<VectorCells> open(LegacySource& source, const VectorPlan& plan);

  /// The next vector with the id of its row; false at the end. Cells that are no vector of the planned dimension are
  /// counted and passed over, as are rows without an id.
  Result<bool> next(std::string& id, std::vector<float>& values);
  /// The column that names rows; empty when vectors have the row's number for an id.
  [[nodiscard]] const std::string& owner() const { return owner_; }
  [[nodiscard]] std::uint64_t left_out() const { return left_out_; }
  [[nodiscard]] const std::string& first_left_out() const { return first_left_out_; }

 private:
  static constexpr std::size_t page = 1'000;

  VectorCells(LegacySource& source, const VectorPlan& plan, const placement::TableReport& table);
  Status turn();
  bool read(const Value& cell, std::vector<float>& values) const;

  LegacySource& source_;
  const VectorPlan& plan_;
  std::string owner_;
  RowLayout order_;
  std::string columns_;
  RowKey last_;
  std::vector<std::vector<Value>> rows_;
  std::size_t at_ = 0;
  std::uint64_t left_out_ = 0;
  std::string first_left_out_;
};

}  // namespace triune::intake::legacy
