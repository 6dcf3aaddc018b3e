// Texts that look like a language to an index of words.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <random>
#include <string>

namespace triune::bench {

/// Words as often as in a language: of 20,000, the n-th a share of 1 / n.
class Words {
 public:
  explicit Words(std::uint32_t seed) : random_(seed) {}

  std::string text(int count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += fmt::format("{}word{}", i == 0 ? "" : " ", next());
    return text;
  }
  int below(int limit) { return static_cast<int>(random_() % static_cast<unsigned>(limit)); }

 private:
  static constexpr int vocabulary = 20'000;
  int next() {
    const double uniform = std::uniform_real_distribution<double>(0, 1)(random_);
    return static_cast<int>(std::pow(static_cast<double>(vocabulary), uniform));
  }

  std::mt19937 random_;
};

}  // namespace triune::bench
