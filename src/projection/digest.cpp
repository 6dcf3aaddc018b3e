#include "projection/digest.h"

#include <algorithm>

#include "base/try.h"

namespace triune::projection {
namespace {

constexpr std::size_t bucket_count = 4096;
constexpr std::uint64_t pass_limit = 1'000'000;  // entities of one side held at a time

std::size_t bucket_of(std::uint64_t key) {
  return static_cast<std::size_t>(key >> 52U);
}

struct Buckets {
  std::vector<std::uint64_t> sums = std::vector<std::uint64_t>(bucket_count);
  std::vector<std::uint64_t> counts = std::vector<std::uint64_t>(bucket_count);
  std::uint64_t total = 0;

  void add(const EntityDigest& entity) {
    const auto bucket = bucket_of(entity.key);
    // Multiplying keeps (a, x) + (b, y) apart from (a, y) + (b, x).
    sums[bucket] += (entity.key | 1U) * (entity.content ^ 0x9E3779B97F4A7C15ULL);
    ++counts[bucket];
    ++total;
  }
};

using Entities = std::vector<EntityDigest>;

Result<Entities> collect(const DigestScan& scan, std::size_t first, std::size_t last) {
  Entities entities;
  TRIUNE_TRY(scan([&](const EntityDigest& entity) {
    const auto bucket = bucket_of(entity.key);
    if (bucket >= first && bucket < last) entities.push_back(entity);
  }));
  std::sort(entities.begin(), entities.end(),
            [](const EntityDigest& a, const EntityDigest& b) { return a.key < b.key; });
  return entities;
}

void merge(const Entities& left, const Entities& right, DigestDifferences& to) {
  auto a = left.begin();
  auto b = right.begin();
  while (a != left.end() || b != right.end()) {
    if (b == right.end() || (a != left.end() && a->key < b->key)) {
      to.missing.push_back((a++)->key);
    } else if (a == left.end() || b->key < a->key) {
      to.extra.push_back((b++)->key);
    } else {
      if (a->content != b->content) to.different.push_back(a->key);
      ++a;
      ++b;
    }
  }
}

}  // namespace

Result<DigestDifferences> compare(const DigestScan& left, const DigestScan& right) {
  Buckets canonical;
  Buckets projected;
  TRIUNE_TRY(left([&](const EntityDigest& entity) { canonical.add(entity); }));
  TRIUNE_TRY(right([&](const EntityDigest& entity) { projected.add(entity); }));
  DigestDifferences differences;
  differences.checked = std::max(canonical.total, projected.total);
  for (std::size_t first = 0; first < bucket_count;) {
    if (canonical.sums[first] == projected.sums[first] && canonical.counts[first] == projected.counts[first]) {
      ++first;
      continue;
    }
    std::size_t last = first;
    for (std::uint64_t held = 0; last < bucket_count; ++last) {
      held += std::max(canonical.counts[last], projected.counts[last]);
      if (last > first && held > pass_limit) break;
    }
    TRIUNE_ASSIGN(const Entities a, collect(left, first, last));
    TRIUNE_ASSIGN(const Entities b, collect(right, first, last));
    merge(a, b, differences);
    first = last;
  }
  return differences;
}

}  // namespace triune::projection
