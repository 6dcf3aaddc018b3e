#include "placement/latency_sketch.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/try.h"

namespace triune::placement {
namespace {

std::size_t bucket_of(double microseconds) {
  if (!(microseconds > 1)) return 0;
  const double place = std::log2(microseconds) * LatencySketch::buckets_per_octave;
  return std::min(static_cast<std::size_t>(place), LatencySketch::buckets - 1);
}

double edge_of(double bucket) {
  return std::exp2(bucket / LatencySketch::buckets_per_octave);
}

std::unexpected<Error> damaged() {
  return failure(ErrorCode::corruption, "a sketch of latencies is not as it was written");
}

template <class Number>
Result<Number> take_number(std::string_view& text, char end) {
  Number number{};
  const auto place = std::min(text.find(end), text.size());
  const auto [stopped, error] = std::from_chars(text.data(), text.data() + place, number);
  if (error != std::errc() || stopped != text.data() + place) return damaged();
  text.remove_prefix(std::min(place + 1, text.size()));
  return number;
}

}  // namespace

void LatencySketch::add(double microseconds) {
  constexpr double most = 1e6;
  unit_ /= keep_;
  if (unit_ > most) settle(1 / unit_);
  weights_[bucket_of(microseconds)] += static_cast<float>(unit_);
  total_ += unit_;
  ++count_;
}

void LatencySketch::merge(const LatencySketch& other) {
  settle(1 / unit_);
  for (std::size_t i = 0; i < buckets; ++i) weights_[i] += other.weights_[i] / static_cast<float>(other.unit_);
  total_ += other.weight();
  count_ += other.count_;
}

/// Multiplies every weight, forgets those that no longer count, and makes a new latency weigh 1.
void LatencySketch::settle(double factor) {
  constexpr double least = 1e-4;
  total_ = 0;
  for (auto& weight : weights_) {
    const double settled = weight * factor;
    weight = settled < least ? 0 : static_cast<float>(settled);
    total_ += weight;
  }
  unit_ = 1;
}

void LatencySketch::fade(double factor) {
  settle(factor / unit_);
}

void LatencySketch::limit(double weight) {
  if (this->weight() > weight) fade(weight / this->weight());
}

double LatencySketch::quantile(double q) const {
  if (total_ <= 0) return 0;
  double rest = std::clamp(q, 0.0, 1.0) * total_;
  std::size_t last = 0;
  for (std::size_t i = 0; i < buckets; ++i) {
    if (weights_[i] <= 0) continue;
    last = i;
    if (rest <= weights_[i]) return edge_of(static_cast<double>(i) + rest / weights_[i]);
    rest -= weights_[i];
  }
  return edge_of(static_cast<double>(last) + 1);
}

std::string LatencySketch::encode() const {
  std::string text = fmt::format("{}", count_);
  constexpr double least = 0.001;
  for (std::size_t i = 0; i < buckets; ++i)
    if (const double weight = weights_[i] / unit_; weight >= least)
      fmt::format_to(std::back_inserter(text), ",{}={:.4g}", i, weight);
  return text;
}

Status LatencySketch::decode(std::string_view text) {
  LatencySketch read(*this);
  read.weights_.fill(0);
  TRIUNE_ASSIGN(read.count_, take_number<std::uint64_t>(text, ','));
  while (!text.empty()) {
    TRIUNE_ASSIGN(const auto bucket, take_number<std::size_t>(text, '='));
    TRIUNE_ASSIGN(const auto weight, take_number<float>(text, ','));
    if (bucket >= buckets || !(weight >= 0 && weight < 1e9F)) return damaged();
    read.weights_[bucket] = weight;
  }
  read.unit_ = 1;
  read.settle(1);
  *this = read;
  return {};
}

}  // namespace triune::placement
