// Quantiles of the latencies seen lately, in a fixed 1 KB.
//
// A histogram whose buckets are an eighth of an octave wide, from 1 µs to 1,000 s: a quantile is off by at most 9 %.
// Every new latency lets the older ones fade, so that a sketch follows what changes. Sketches merge by adding buckets.
// Thread rule: a plain value.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "triune/status.h"

namespace triune::placement {

class LatencySketch {
 public:
  static constexpr std::size_t buckets = 240;
  static constexpr std::size_t buckets_per_octave = 8;

  /// Remembers about `memory` latencies: each new one takes 1 / `memory` of the weight off all older ones.
  explicit LatencySketch(double memory = 20) : keep_(1 - 1 / memory) {}

  void add(double microseconds);
  void merge(const LatencySketch& other);
  /// Takes all but `factor` of the weight off, as time does.
  void fade(double factor);
  /// Leaves at most this weight.
  void limit(double weight);

  /// How many latencies the figures rest on, after fading.
  [[nodiscard]] double weight() const { return total_ / unit_; }
  /// How many were ever added.
  [[nodiscard]] std::uint64_t count() const { return count_; }
  /// The latency below which the share `q` of the weight lies, in microseconds; 0 when nothing was added.
  [[nodiscard]] double quantile(double q) const;
  [[nodiscard]] double median() const { return quantile(0.5); }

  /// As text without spaces or line breaks, and back. Error: `corruption`.
  [[nodiscard]] std::string encode() const;
  Status decode(std::string_view text);

 private:
  void settle(double factor);

  double keep_;
  double unit_ = 1;   // what a new latency weighs: instead of all older ones fading, each new one weighs more
  double total_ = 0;  // of the buckets
  std::uint64_t count_ = 0;
  std::array<float, buckets> weights_{};
};

}  // namespace triune::placement
