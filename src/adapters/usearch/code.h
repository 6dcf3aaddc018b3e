// Vectors in four bits a value: what searches of a frozen segment walk over, before the nearest are compared exactly.
//
// The mean of the segment is subtracted and the rest is turned by a fixed rotation of signs and Hadamard transforms.
// Both keep all distances, and after them values are spread alike in every dimension, whatever the model that made
// them: so one scale for each vector, of its root mean square, serves them all. (Without, dimensions of large values
// would leave the others no bits.) 384 values take 192 bytes and 12 for what follows.
//
//   score = left.bias + right.bias - factor * left.scale * right.scale * (inner product of the codes)
//
// cosine and l2: bias is the squared length of the code, the factor 2, the score the squared distance of two codes (of
// vectors of length 1 for cosine, which orders as the cosine does). dot: bias is what the mean adds to the product.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "adapters/usearch/comparer.h"
#include "triune/schema.h"

namespace triune::adapters::usearch {

/// Thread rule: immutable after construction.
class Code final : public Comparer {
 public:
  /// `mean` is of the vectors as `encode` takes them: for cosine of those scaled to length 1.
  Code(Metric metric, std::vector<float> mean);

  /// Below so many values the code is too coarse for the memory it saves: f16 serves then.
  static constexpr std::uint32_t smallest_dimension = 64;

  /// Bytes of one code.
  [[nodiscard]] std::size_t bytes() const override { return bytes_; }
  [[nodiscard]] const std::vector<float>& mean() const { return mean_; }
  /// Writes the code of a vector, for cosine of one scaled to length 1 or of zeros, to `bytes()` bytes at `target`.
  void encode(std::span<const float> values, std::byte* target) const;
  [[nodiscard]] float score(const std::byte* left, const std::byte* right) const noexcept override;

 private:
  struct Tail;
  using Kernel = void (*)(const void*, const void*, std::uint64_t, void*);
  void rotate(std::span<float> values) const;

  Metric metric_;
  std::vector<float> mean_;
  double mean_squares_ = 0;
  std::vector<float> signs_;  ///< For each of the two turns.
  std::size_t block_;         ///< Of the Hadamard transform: the greatest power of two within the dimension.
  std::size_t packed_bytes_;
  std::size_t bytes_;
  Kernel kernel_;
};

}  // namespace triune::adapters::usearch
