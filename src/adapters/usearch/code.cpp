#include "adapters/usearch/code.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

#include "adapters/usearch/kernels.h"

namespace triune::adapters::usearch {
namespace {

constexpr std::size_t turns = 2;
constexpr std::uint64_t sign_seed = 4;  // part of the format: another one makes files unreadable
// The step between codes in root mean squares: least error for values that are spread normally.
constexpr double step = 0.335;
constexpr int smallest_code = -8;
constexpr int largest_code = 7;

// In place, keeping lengths.
void hadamard(std::span<float> values) {
  for (std::size_t half = 1; half < values.size(); half *= 2)
    for (std::size_t begin = 0; begin < values.size(); begin += 2 * half)
      for (std::size_t at = begin; at < begin + half; ++at) {
        const float first = values[at];
        const float second = values[at + half];
        values[at] = first + second;
        values[at + half] = first - second;
      }
  const auto scale = static_cast<float>(1 / std::sqrt(static_cast<double>(values.size())));
  for (float& value : values) value *= scale;
}

}  // namespace

// What stands behind the values of a code.
struct Code::Tail {
  double bias = 0;
  float scale = 0;

  static Tail of(const std::byte* place) {
    Tail tail;
    std::memcpy(&tail.bias, place, sizeof tail.bias);
    std::memcpy(&tail.scale, place + sizeof tail.bias, sizeof tail.scale);
    return tail;
  }
  void put(std::byte* place) const {
    std::memcpy(place, &bias, sizeof bias);
    std::memcpy(place + sizeof bias, &scale, sizeof scale);
  }
  static constexpr std::size_t bytes = sizeof(double) + sizeof(float);
};

Code::Code(Metric metric, std::vector<float> mean)
    : metric_(metric),
      mean_(std::move(mean)),
      block_(std::bit_floor(mean_.size())),
      packed_bytes_((mean_.size() + 1) / 2),
      bytes_(packed_bytes_ + Tail::bytes),
      kernel_(kernel_for(nk_kernel_dot_k, nk_i4_k)) {
  std::mt19937_64 random(sign_seed);
  signs_.resize(turns * mean_.size());
  for (float& sign : signs_) sign = (random() & 1U) != 0 ? 1.0F : -1.0F;
  for (const float value : mean_) mean_squares_ += static_cast<double>(value) * value;
}

void Code::rotate(std::span<float> values) const {
  // Two blocks that overlap reach every value; twice, so that each value reaches every other.
  for (std::size_t turn = 0; turn < turns; ++turn) {
    const float* signs = signs_.data() + turn * values.size();
    for (std::size_t at = 0; at < values.size(); ++at) values[at] *= signs[at];
    hadamard(values.first(block_));
    if (block_ < values.size()) hadamard(values.last(block_));
  }
}

void Code::encode(std::span<const float> values, std::byte* target) const {
  assert(values.size() == mean_.size());
  thread_local std::vector<float> rest;
  rest.resize(values.size());
  bool zero = true;
  double with_mean = 0;
  for (std::size_t at = 0; at < values.size(); ++at) {
    rest[at] = values[at] - mean_[at];
    with_mean += static_cast<double>(rest[at]) * mean_[at];
    zero = zero && values[at] == 0;
  }
  rotate(rest);
  double squares = 0;
  for (const float value : rest) squares += static_cast<double>(value) * value;
  const double scale = step * std::sqrt(squares / static_cast<double>(rest.size()));
  std::memset(target, 0, packed_bytes_);
  double code_squares = 0;
  for (std::size_t at = 0; at < rest.size() && scale > 0; ++at) {
    const int code = std::clamp(static_cast<int>(std::lround(rest[at] / scale)), smallest_code, largest_code);
    code_squares += code * code;
    target[at / 2] |= static_cast<std::byte>((static_cast<unsigned>(code) & 15U) << (at % 2 == 0 ? 0U : 4U));
  }
  Tail tail;
  tail.scale = static_cast<float>(scale);
  if (metric_ == Metric::dot)
    tail.bias = -with_mean - mean_squares_ / 2;
  else
    tail.bias = static_cast<double>(tail.scale) * tail.scale * code_squares;
  // At distance 1 of everything: as a squared distance of vectors of length 1 that is 2.
  if (zero && metric_ == Metric::cosine) tail.bias += 1;
  tail.put(target + packed_bytes_);
}

float Code::score(const std::byte* left, const std::byte* right) const noexcept {
  std::int32_t product = 0;
  kernel_(left, right, mean_.size(), &product);
  const auto left_tail = Tail::of(left + packed_bytes_);
  const auto right_tail = Tail::of(right + packed_bytes_);
  const double factor = metric_ == Metric::dot ? 1 : 2;
  const double score = left_tail.bias + right_tail.bias - factor * product * left_tail.scale * right_tail.scale;
  constexpr double largest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(score, -largest, largest));
}

}  // namespace triune::adapters::usearch
