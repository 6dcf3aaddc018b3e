#include "projection/digest.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "base/hash.h"

namespace triune::projection {
namespace {

using Side = std::map<std::uint64_t, std::uint64_t>;

DigestScan scan_of(const Side& side) {
  return [&side](const std::function<void(const EntityDigest&)>& receive) -> Status {
    for (const auto& [key, content] : side) receive({key, content});
    return {};
  };
}

TEST(Digest, EqualSidesDoNotDiffer) {
  Side side;
  for (std::uint64_t i = 0; i < 10'000; ++i) side[base::hash64(std::to_string(i))] = i;
  const auto found = compare(scan_of(side), scan_of(side));
  ASSERT_TRUE(found);
  EXPECT_TRUE(found->empty());
  EXPECT_EQ(found->checked, 10'000U);
}

TEST(Digest, FindsExactlyWhatDiffersInRandomSets) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937_64 random(seed);
  for (int round = 0; round < 20; ++round) {
    Side left;
    Side right;
    std::size_t missing = 0;
    std::size_t extra = 0;
    std::size_t different = 0;
    for (int i = 0; i < 2000; ++i) {
      const auto key = random();
      switch (random() % 40) {
        case 0: left[key] = 1, ++missing; break;
        case 1: right[key] = 1, ++extra; break;
        case 2: left[key] = 1, right[key] = 2, ++different; break;
        default: left[key] = right[key] = random();
      }
    }
    const auto found = compare(scan_of(left), scan_of(right));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->missing.size(), missing);
    EXPECT_EQ(found->extra.size(), extra);
    EXPECT_EQ(found->different.size(), different);
  }
}

TEST(Digest, AnEmptySideMissesEverything) {
  Side left;
  for (std::uint64_t i = 0; i < 5000; ++i) left[base::hash64(std::to_string(i))] = i;
  const auto found = compare(scan_of(left), scan_of({}));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->missing.size(), 5000U);
}

TEST(Digest, AFailingScanIsItsError) {
  const DigestScan failing = [](const std::function<void(const EntityDigest&)>&) -> Status {
    return failure(ErrorCode::corruption, "torn");
  };
  EXPECT_EQ(compare(scan_of({}), failing).error().code, ErrorCode::corruption);
}

}  // namespace
}  // namespace triune::projection
