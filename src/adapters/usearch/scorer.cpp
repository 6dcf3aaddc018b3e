#include "adapters/usearch/scorer.h"

#include <numkong/cast.h>

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "adapters/usearch/kernels.h"
#include "adapters/usearch/wide_kernels.h"

namespace triune::adapters::usearch {
namespace {

constexpr std::uint32_t small_dimension = 32;
constexpr float f16_largest = 60'000.0F;     // 65,504 is the last; a little room for rounding
constexpr float f16_smallest = 1.0F / 8192;  // below, the absolute step of 2^-24 exceeds the relative error of 2^-11

nk_dtype_t type_of(Scalar scalar) {
  return scalar == Scalar::f16 ? nk_f16_k : nk_f32_k;
}

std::size_t packed_bytes(std::uint32_t dimension, Scalar scalar) {
  const std::size_t bytes = dimension * (scalar == Scalar::f16 ? 2UL : 4UL);
  return (bytes + 15) / 16 * 16;
}

}  // namespace

double scale_to_one(std::span<float> values) {
  double squares = 0;
  for (const float value : values) squares += static_cast<double>(value) * value;
  const double length = std::sqrt(squares);
  // In double, since the reciprocal of a tiny length overflows float.
  const double scale = length > 0 ? 1.0 / length : 0.0;
  for (float& value : values) value = static_cast<float>(value * scale);
  return length;
}

Scalar Scorer::default_scalar(std::uint32_t dimension) {
  return dimension < small_dimension ? Scalar::f32 : Scalar::f16;
}

Scorer::Scorer(Metric metric, std::uint32_t dimension, Scalar scalar)
    : metric_(metric),
      scalar_(scalar),
      dimension_(dimension),
      bytes_(packed_bytes(dimension, scalar)),
      is_wide_(scalar == Scalar::f16 && has_wide_kernels()) {
  const auto kind = metric == Metric::l2 ? nk_kernel_sqeuclidean_k : nk_kernel_dot_k;
  kernel_ = kernel_for(kind, type_of(scalar));
}

bool Scorer::fits(std::span<const float> values) const {
  if (scalar_ == Scalar::f32 || metric_ == Metric::cosine) return true;
  float largest = 0;
  for (const float value : values) largest = std::max(largest, std::abs(value));
  return largest == 0 || (largest >= f16_smallest && largest <= f16_largest);
}

float Scorer::pack(std::span<const float> values, std::byte* target) const {
  assert(values.size() == dimension_);
  double length = 1;
  const float* source = values.data();
  thread_local std::vector<float> scaled;
  if (metric_ == Metric::cosine) {
    scaled.assign(values.begin(), values.end());
    length = scale_to_one(scaled);
    source = scaled.data();
  }
  nk_cast(source, nk_f32_k, dimension_, target, type_of(scalar_));
  const std::size_t used = dimension_ * (scalar_ == Scalar::f16 ? 2UL : 4UL);
  std::memset(target + used, 0, bytes_ - used);
  return static_cast<float>(std::min<double>(length, std::numeric_limits<float>::max()));
}

void Scorer::unpack(const std::byte* packed, float length, std::span<float> values) const {
  assert(values.size() == dimension_);
  nk_cast(packed, type_of(scalar_), dimension_, values.data(), nk_f32_k);
  if (metric_ == Metric::cosine)
    for (float& value : values) value *= length;
}

float Scorer::score(const std::byte* left, const std::byte* right) const noexcept {
  if (is_wide_) return score_one(metric_ == Metric::l2, left, right, dimension_);
  double result = 0;
  if (scalar_ == Scalar::f16) {  // the kernels' result type: float for f16, double for f32
    float narrow = 0;
    kernel_(left, right, dimension_, &narrow);
    result = narrow;
  } else {
    kernel_(left, right, dimension_, &result);
  }
  return static_cast<float>(metric_ == Metric::l2 ? result : -result);
}

void Scorer::score_all(const std::byte* query, std::span<const std::byte* const> others,
                       std::span<float> scores) const noexcept {
  std::size_t at = 0;
  if (is_wide_)
    for (; at + at_once <= others.size(); at += at_once)
      score_four(metric_ == Metric::l2, query, &others[at], dimension_, &scores[at]);
  for (; at < others.size(); ++at) scores[at] = score(query, others[at]);
}

}  // namespace triune::adapters::usearch
