// Vectors in five bits a value: what searches of a frozen segment walk over, before the nearest are compared exactly.
//
// The mean of the segment is subtracted and the rest is turned by a fixed rotation of signs and Hadamard transforms.
// Both keep all distances, and after them values are spread alike in every dimension, whatever the model that made
// them: so one scale for each vector, of its root mean square, serves them all. (Without, dimensions of large values
// would leave the others no bits.) 384 values take 240 bytes and 8 for what follows.
//
//   score = left.bias + right.bias - factor * left.scale * right.scale * (inner product of the codes)
//
// cosine and l2: bias is the squared length of the code, the factor 2, the score the squared distance of two codes (of
// vectors of length 1 for cosine, which orders as the cosine does). dot: bias is what the mean adds to the product.
//
// While a graph is built codes are compared with codes. A query is not made one: it keeps eight bits a value and the
// bias of its own values, which leaves half the error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "adapters/usearch/code_kernels.h"
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
  static std::size_t bytes_of(std::size_t dimension);
  [[nodiscard]] const std::vector<float>& mean() const { return mean_; }
  /// Writes the code of a vector, for cosine of one scaled to length 1 or of zeros, to `bytes()` bytes at `target`.
  void encode(std::span<const float> values, std::byte* target) const;
  [[nodiscard]] float score(const std::byte* left, const std::byte* right) const noexcept override;
  /// What is asked of codes; `values` as for `encode`. The object must live no longer than this one.
  [[nodiscard]] std::unique_ptr<Question> ask(std::span<const float> values) const;

 private:
  class Asked;
  struct Tail;
  // A vector's values without the mean, turned, and what must be known of it besides.
  struct Turned {
    std::span<float> values;
    double squares = 0;    ///< Of these values.
    double with_mean = 0;  ///< Inner product with the mean before they were turned.
    bool was_zero = true;  ///< The vector had no other values than 0.
  };
  [[nodiscard]] Turned turn(std::span<const float> values) const;
  /// `squares`: the squared length of what stands for the vector.
  [[nodiscard]] double bias_of(const Turned& turned, double squares) const;
  [[nodiscard]] double factor() const { return metric_ == Metric::dot ? 1 : 2; }
  void rotate(std::span<float> values) const;

  Metric metric_;
  std::vector<float> mean_;
  double mean_squares_ = 0;
  std::vector<float> signs_;  ///< For each of the two turns.
  std::size_t block_;         ///< Of the Hadamard transform: the greatest power of two within the dimension.
  CodeShape shape_;
  std::size_t bytes_;
};

}  // namespace triune::adapters::usearch
