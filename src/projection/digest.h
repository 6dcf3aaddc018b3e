// Comparing two sets of entities that are both too large to hold: each side is hashed into buckets, the buckets that
// differ are compared entity by entity, a bounded number at a time.
//
// Source: the bucket sums are a one-level Merkle comparison, as in Cassandra's anti-entropy repair; sums of independent
// 64-bit hashes are order-free, so neither side needs sorting.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "triune/status.h"

namespace triune::projection {

/// Key and content of one entity, hashed.
struct EntityDigest {
  std::uint64_t key = 0;
  std::uint64_t content = 0;
};

/// Calls the receiver once for each entity of one side; may be called several times and yields the same each time.
using DigestScan = std::function<Status(const std::function<void(const EntityDigest&)>&)>;

/// The keys (hashed) of what differs.
struct DigestDifferences {
  std::uint64_t checked = 0;
  std::vector<std::uint64_t> missing;    ///< On the left only.
  std::vector<std::uint64_t> extra;      ///< On the right only.
  std::vector<std::uint64_t> different;  ///< On both, with other contents.
  [[nodiscard]] bool empty() const { return missing.empty() && extra.empty() && different.empty(); }
};

/// Compares `left` (the canonical side) with `right`. Memory: 128 KiB and, while something differs, at most 32 MiB and
/// eight bytes for each difference.
Result<DigestDifferences> compare(const DigestScan& left, const DigestScan& right);

}  // namespace triune::projection
