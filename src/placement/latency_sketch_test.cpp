#include "placement/latency_sketch.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

namespace triune::placement {
namespace {

/// Remembers practically everything, so that exact quantiles are what it is to be compared with.
LatencySketch remembering() {
  return LatencySketch(1e9);
}

/// Weights are not whole numbers, so the values beside the exact one will do: far out they lie apart.
void expect_near_exact(const LatencySketch& sketch, std::vector<double> values) {
  std::sort(values.begin(), values.end());
  for (const double q : {0.01, 0.1, 0.5, 0.9, 0.99, 1.0}) {
    const auto place = static_cast<std::size_t>(std::max(1.0, std::ceil(q * static_cast<double>(values.size())))) - 1;
    EXPECT_LE(sketch.quantile(q), values[std::min(place + 1, values.size() - 1)] * 1.1) << q;
    EXPECT_GE(sketch.quantile(q), values[place == 0 ? 0 : place - 1] / 1.1) << q;
  }
}

TEST(LatencySketch, IsWithinTenPercentOfExactQuantiles) {
  const auto seed = std::random_device()();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  std::lognormal_distribution<double> latencies(7, 2);
  for (const std::size_t count : {1UL, 7UL, 1000UL, 50'000UL}) {
    auto sketch = remembering();
    std::vector<double> values;
    for (std::size_t i = 0; i < count; ++i) {
      values.push_back(std::clamp(latencies(random), 1.0, 9e8));
      sketch.add(values.back());
    }
    SCOPED_TRACE(count);
    expect_near_exact(sketch, values);
  }
}

TEST(LatencySketch, MergedEqualsAllAddedToOne) {
  std::mt19937_64 random(3);
  std::uniform_real_distribution<double> latencies(1, 1e6);
  auto one = remembering();
  auto other = remembering();
  auto both = remembering();
  std::vector<double> values;
  for (int i = 0; i < 2000; ++i) {
    values.push_back(latencies(random));
    (i % 3 == 0 ? one : other).add(values.back());
    both.add(values.back());
  }
  one.merge(other);
  EXPECT_EQ(one.count(), 2000U);
  EXPECT_NEAR(one.weight(), both.weight(), 0.01);
  expect_near_exact(one, values);
}

TEST(LatencySketch, FollowsWhatChanges) {
  LatencySketch sketch;
  for (int i = 0; i < 1000; ++i) sketch.add(100);
  EXPECT_LT(sketch.median(), 110);
  for (int i = 0; i < 20; ++i) sketch.add(5000);
  EXPECT_GT(sketch.median(), 4500);
}

TEST(LatencySketch, WeighsNoMoreThanItRemembers) {
  LatencySketch sketch(20);
  for (int i = 0; i < 100'000; ++i) sketch.add(10);
  EXPECT_NEAR(sketch.weight(), 20, 0.5);
  EXPECT_EQ(sketch.count(), 100'000U);
  sketch.limit(4);
  EXPECT_NEAR(sketch.weight(), 4, 0.01);
  sketch.fade(0.5);
  EXPECT_NEAR(sketch.weight(), 2, 0.01);
}

TEST(LatencySketch, IsTheSameAfterBeingWrittenAndRead) {
  LatencySketch sketch;
  for (int i = 1; i < 300; ++i) sketch.add(i * 17.0);
  LatencySketch again;
  ASSERT_TRUE(again.decode(sketch.encode()));
  EXPECT_EQ(again.count(), sketch.count());
  EXPECT_NEAR(again.weight(), sketch.weight(), 0.1);
  for (const double q : {0.1, 0.5, 0.9}) EXPECT_NEAR(again.quantile(q), sketch.quantile(q), sketch.quantile(q) / 20);
}

TEST(LatencySketch, RefusesWhatItDidNotWrite) {
  for (const auto* const text : {"", "x", "3,240=1", "3,1=-2", "3,1=nan", "3,1", "3,1=1,", "-1"}) {
    LatencySketch sketch;
    sketch.add(10);
    const auto read = sketch.decode(text);
    const bool trailing = std::string_view(text) == "3,1=1,";  // a comma at the end says nothing
    EXPECT_EQ(read.has_value(), trailing) << text;
    if (!read) {
      EXPECT_EQ(sketch.count(), 1U) << "nothing is taken of " << text;
    }
  }
}

TEST(LatencySketch, HoldsTheShortestAndTheLongest) {
  LatencySketch sketch;
  EXPECT_EQ(sketch.median(), 0);
  sketch.add(0);
  EXPECT_LE(sketch.quantile(1), 1.1);
  LatencySketch slow;
  slow.add(1e15);
  EXPECT_GT(slow.median(), 9e8);
}

}  // namespace
}  // namespace triune::placement
