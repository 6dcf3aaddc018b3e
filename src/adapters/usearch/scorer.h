// How a vector is kept and compared: its quantised form and the SIMD kernels over it, chosen for the processor at run
// time.
//
// Cosine: vectors are scaled to length 1, kept with their length apart, and compared by 1 - inner product; a zero
// vector stays zero and so is at distance 1 of everything, itself included. l2 and dot: kept as given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "adapters/usearch/comparer.h"
#include "triune/schema.h"

namespace triune::adapters::usearch {

/// What one value is kept as.
enum class Scalar : std::uint8_t {
  f16 = 1,  ///< Half precision: relative error 2^-11 within its range (see `Scorer::fits`).
  f32 = 2,  ///< As given.
};

/// Scales to length 1, in place, and returns the length; zeros stay.
double scale_to_one(std::span<float> values);

/// Thread rule: immutable after construction.
class Scorer final : public Comparer {
 public:
  Scorer(Metric metric, std::uint32_t dimension, Scalar scalar);

  /// f32 for small dimensions, where memory is no matter and rounding would make ties; f16 otherwise.
  static Scalar default_scalar(std::uint32_t dimension);

  [[nodiscard]] Metric metric() const { return metric_; }
  [[nodiscard]] std::uint32_t dimension() const { return dimension_; }
  [[nodiscard]] Scalar scalar() const { return scalar_; }
  /// Bytes of one packed vector, a multiple of 16.
  [[nodiscard]] std::size_t bytes() const override { return bytes_; }

  /// Whether packing keeps the values' precision: f16 has a range, and l2 and dot keep values as given.
  [[nodiscard]] bool fits(std::span<const float> values) const;
  /// Packs into `bytes()` bytes at `target` and returns what `unpack` needs to restore the length.
  float pack(std::span<const float> values, std::byte* target) const;
  /// The vector as kept: `values.size()` is the dimension.
  void unpack(const std::byte* packed, float length, std::span<float> values) const;

  /// What orders vectors as their distance does: for l2 the distance, else the negative inner product, which keeps the
  /// digits that adding 1 would cost small products. Never NaN for vectors that were finite.
  [[nodiscard]] float score(const std::byte* left, const std::byte* right) const noexcept override;
  void score_all(const std::byte* query, std::span<const std::byte* const> others,
                 std::span<float> scores) const noexcept override;
  /// The distance that a score stands for.
  [[nodiscard]] float distance_of(float score) const noexcept { return metric_ == Metric::l2 ? score : 1.0F + score; }

 private:
  using Kernel = void (*)(const void*, const void*, std::uint64_t, void*);

  Metric metric_;
  Scalar scalar_;
  std::uint32_t dimension_;
  std::size_t bytes_;
  bool is_wide_;  ///< Compares by wide_kernels.h, else by NumKong's kernel.
  Kernel kernel_;
};

}  // namespace triune::adapters::usearch
