#include "runtime/backoff.h"

#include <algorithm>
#include <random>

namespace triune::runtime {
namespace {

constexpr std::uint32_t most_doublings = 20;

std::chrono::milliseconds scaled(std::chrono::milliseconds pause, double share) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(static_cast<double>(pause.count()) * share));
}

}  // namespace

RandomSource random_source() {
  return [] {
    thread_local std::mt19937_64 engine(std::random_device{}());
    return std::uniform_real_distribution<double>(0, 1)(engine);
  };
}

std::chrono::milliseconds Backoff::ceiling(std::uint32_t attempt) const {
  return std::min(longest, first * (std::int64_t{1} << std::min(attempt, most_doublings)));
}

std::chrono::milliseconds Backoff::full_jitter(std::uint32_t attempt, double random) const {
  return scaled(ceiling(attempt), random);
}

std::chrono::milliseconds Backoff::equal_jitter(std::uint32_t attempt, double random) const {
  return scaled(ceiling(attempt), 0.5 + random / 2);
}

}  // namespace triune::runtime
