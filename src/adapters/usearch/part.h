// A segment and which of its vectors were deleted or replaced since it was made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "adapters/usearch/segment.h"

namespace triune::adapters::usearch {

/// Thread rule: const methods under a seat of the collection's gate, others with the gate closed. Copies are cheap.
class Part {
 public:
  explicit Part(std::shared_ptr<const Segment> segment)
      : segment_(std::move(segment)), dead_((segment_->rows() + 63UL) / 64) {}

  [[nodiscard]] const Segment& segment() const { return *segment_; }
  [[nodiscard]] bool is_live(Row row) const { return (dead_[row / 64] >> (row % 64) & 1U) == 0; }
  [[nodiscard]] std::size_t live() const { return segment_->rows() - dead_count_; }
  [[nodiscard]] std::size_t dead() const { return dead_count_; }
  [[nodiscard]] std::vector<Row> live_rows() const {
    std::vector<Row> rows;
    rows.reserve(live());
    for (Row row = 0; row < segment_->rows(); ++row)
      if (is_live(row)) rows.push_back(row);
    return rows;
  }
  [[nodiscard]] bool holds(contract::VectorKey key) const {
    const auto row = segment_->find(key);
    return row && is_live(*row);
  }
  /// Goes over to the same segment with its bytes elsewhere, and hands out the one before.
  void exchange(std::shared_ptr<const Segment>& segment) { segment_.swap(segment); }
  /// Deletes the key; false when it does not live here.
  bool bury(contract::VectorKey key) {
    const auto row = segment_->find(key);
    if (!row || !is_live(*row)) return false;
    dead_[*row / 64] |= 1ULL << (*row % 64);
    ++dead_count_;
    return true;
  }

  /// For snapshots.
  [[nodiscard]] const std::vector<std::uint64_t>& dead_bits() const { return dead_; }
  /// False when there are not as many bits as rows.
  bool restore(std::vector<std::uint64_t> dead) {
    if (dead.size() != dead_.size()) return false;
    dead_ = std::move(dead);
    dead_count_ = 0;
    for (Row row = 0; row < segment_->rows(); ++row) dead_count_ += is_live(row) ? 0 : 1;
    return true;
  }

 private:
  std::shared_ptr<const Segment> segment_;
  std::vector<std::uint64_t> dead_;
  std::size_t dead_count_ = 0;
};

}  // namespace triune::adapters::usearch
