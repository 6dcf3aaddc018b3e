// Which keys a search may return, and the nearest found so far. Parts of a search, in the use of one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "contract/vector_store.h"

namespace triune::adapters::usearch {

/// A sorted set of keys with a test that is fast when the keys lie close together, as row numbers do.
class KeySet {
 public:
  explicit KeySet(std::span<const contract::VectorKey> sorted);
  [[nodiscard]] bool contains(contract::VectorKey key) const {
    if (bits_.empty()) return holds(sorted_, key);
    const std::uint64_t offset = key - first_;  // wraps around below the first key
    return offset < range_ && (bits_[offset / 64] >> (offset % 64) & 1U) != 0;
  }
  /// The same without a set, for few questions.
  static bool holds(std::span<const contract::VectorKey> sorted, contract::VectorKey key);
  /// Whether `contains` costs about as much as reading the key.
  [[nodiscard]] bool is_dense() const { return !bits_.empty(); }

 private:
  std::span<const contract::VectorKey> sorted_;
  contract::VectorKey first_ = 0;
  std::uint64_t range_ = 0;
  std::vector<std::uint64_t> bits_;
};

/// The `count` nearest of all that were offered, ties broken by key. Orders by scores as well as by distances.
class Nearest {
 public:
  explicit Nearest(std::size_t count) : count_(count) {}
  void offer(contract::VectorKey key, float distance) {
    if (heap_.size() == count_ && distance > heap_.front().distance) return;
    insert({key, distance});
  }
  /// Nearest first. Leaves the object empty.
  std::vector<contract::VectorMatch> take();
  [[nodiscard]] std::size_t size() const { return heap_.size(); }
  /// Beyond which nothing is of use; none while there are fewer than `count`.
  [[nodiscard]] std::optional<float> farthest() const {
    return heap_.size() < count_ ? std::nullopt : std::optional(heap_.front().distance);
  }

 private:
  void insert(const contract::VectorMatch& match);
  std::size_t count_;
  std::vector<contract::VectorMatch> heap_;  ///< The farthest first.
};

}  // namespace triune::adapters::usearch
