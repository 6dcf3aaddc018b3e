#include "adapters/usearch/code.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace triune::adapters::usearch {
namespace {

constexpr std::size_t turns = 2;
constexpr std::uint64_t sign_seed = 4;  // part of the format: another one makes files unreadable
// The step between values in root mean squares: least error for values that are spread normally (Max, Quantizing for
// minimum distortion, 1960).
constexpr double step = 0.188;

float within_float(double score) {
  constexpr double largest = std::numeric_limits<float>::max();
  return static_cast<float>(std::clamp(score, -largest, largest));
}

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
  float bias = 0;
  float scale = 0;

  static Tail of(const std::byte* place) {
    Tail tail;
    std::memcpy(&tail, place, bytes);
    return tail;
  }
  void put(std::byte* place) const { std::memcpy(place, this, bytes); }
  static constexpr std::size_t bytes = 2 * sizeof(float);
};

Code::Code(Metric metric, std::vector<float> mean)
    : metric_(metric),
      mean_(std::move(mean)),
      block_(std::bit_floor(mean_.size())),
      shape_(mean_.size()),
      bytes_(bytes_of(mean_.size())) {
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

std::size_t Code::bytes_of(std::size_t dimension) {
  return CodeShape(dimension).bytes() + Tail::bytes;
}

Code::Turned Code::turn(std::span<const float> values) const {
  assert(values.size() == mean_.size());
  thread_local std::vector<float> rest;
  rest.resize(values.size());
  Turned turned{.values = rest};
  for (std::size_t at = 0; at < values.size(); ++at) {
    rest[at] = values[at] - mean_[at];
    turned.with_mean += static_cast<double>(rest[at]) * mean_[at];
    turned.was_zero = turned.was_zero && values[at] == 0;
  }
  rotate(rest);
  for (const float value : rest) turned.squares += static_cast<double>(value) * value;
  return turned;
}

double Code::bias_of(const Turned& turned, double squares) const {
  if (metric_ == Metric::dot) return -turned.with_mean - mean_squares_ / 2;
  // Zeros are at distance 1 of everything: as a squared distance of vectors of length 1 that is 2.
  return squares + (turned.was_zero && metric_ == Metric::cosine ? 1 : 0);
}

void Code::encode(std::span<const float> values, std::byte* target) const {
  const Turned turned = turn(values);
  const auto scale = static_cast<float>(step * std::sqrt(turned.squares / static_cast<double>(values.size())));
  std::memset(target, 0, shape_.bytes());
  double code_squares = 0;
  for (std::size_t at = 0; at < turned.values.size() && scale > 0; ++at) {
    const auto value =
        std::clamp<long>(std::lround(turned.values[at] / scale), CodeShape::smallest_value, CodeShape::largest_value);
    code_squares += static_cast<double>(value * value);
    shape_.put(target, at, static_cast<std::int32_t>(value));
  }
  const Tail tail{.bias = within_float(bias_of(turned, static_cast<double>(scale) * scale * code_squares)),
                  .scale = scale};
  tail.put(target + shape_.bytes());
}

float Code::score(const std::byte* left, const std::byte* right) const noexcept {
  const auto left_tail = Tail::of(left + shape_.bytes());
  const auto right_tail = Tail::of(right + shape_.bytes());
  const double scales = static_cast<double>(left_tail.scale) * right_tail.scale;
  const double product = scales * code_product(shape_, left, right);
  return within_float(static_cast<double>(left_tail.bias) + right_tail.bias - factor() * product);
}

// A query: its turned values in eight bits with one scale, as the kernels take them.
class Code::Asked final : public Question {
 public:
  Asked(const Code& code, const Turned& turned) : code_(code), bias_(code.bias_of(turned, turned.squares)) {
    float largest = 0;
    for (const float value : turned.values) largest = std::max(largest, std::abs(value));
    values_.resize(code.shape_.query_values());
    if (largest == 0) return;
    const float scale = largest / largest_value;
    std::int32_t sum = 0;
    for (std::size_t at = 0; at < turned.values.size(); ++at) {
      const auto value = static_cast<std::int8_t>(std::lrint(turned.values[at] / scale));
      values_[code.shape_.place_in_query(at)] = value;
      sum += value;
    }
    excess_ = -CodeShape::smallest_value * sum;
    factor_ = code.factor() * scale;
  }

  void score_all(std::span<const std::byte* const> others, std::span<float> scores) const noexcept override {
    constexpr std::size_t at_once = 64;
    std::int32_t products[at_once];
    for (std::size_t begin = 0; begin < others.size(); begin += at_once) {
      const auto some = others.subspan(begin, std::min(at_once, others.size() - begin));
      code_products(code_.shape_, values_, some, products);
      for (std::size_t at = 0; at < some.size(); ++at) {
        const auto tail = Tail::of(some[at] + code_.shape_.bytes());
        scores[begin + at] = within_float(bias_ + tail.bias - factor_ * tail.scale * (products[at] - excess_));
      }
    }
  }

 private:
  static constexpr float largest_value = 127;
  const Code& code_;
  double bias_;
  double factor_ = 0;
  std::int32_t excess_ = 0;  ///< Of each product: values stand in codes as 16 more.
  std::vector<std::int8_t> values_;
};

std::unique_ptr<Question> Code::ask(std::span<const float> values) const {
  return std::make_unique<Asked>(*this, turn(values));
}

}  // namespace triune::adapters::usearch
