// A week in short: many small writes, each saved, with updates, deletes and keys that come back, and a restart each
// day.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>

#include "conformance/vector/fixture.h"

namespace triune::conformance {
namespace {

using contract::Position;

constexpr std::size_t days = 7;
constexpr std::size_t batches_a_day = 20;
constexpr VectorKey most_keys = 600;
constexpr std::size_t most_files = 900;

class Week : public VectorConformance {
 protected:
  [[nodiscard]] std::size_t files() const {
    std::size_t count = 0;
    std::error_code code;  // upkeep removes files meanwhile
    for (auto at = std::filesystem::recursive_directory_iterator(directory_.path(), code);
         !code && at != std::filesystem::recursive_directory_iterator(); at.increment(code)) {
      std::error_code gone;
      count += at->is_regular_file(gone) ? 1 : 0;
    }
    return count;
  }

  /// A batch of a dozen changes: half new or replaced, a quarter deleted, a quarter as it comes.
  contract::VectorBatch batch(std::mt19937_64& random, const Truth& truth) {
    contract::VectorBatch made;
    std::map<VectorKey, bool> touched;
    for (int at = 0; at < 12; ++at) {
      const VectorKey key = random() % most_keys;
      if (!touched.emplace(key, true).second) continue;
      if (random() % 4 == 0) {
        if (truth.entries().contains(key)) made.deletes.push_back(key);
        continue;
      }
      made.puts.push_back(pool_[random() % pool_.size()]);
      made.puts.back().key = key;
    }
    return made;
  }

  const std::vector<VectorEntry> pool_ = clustered(2'000, 16, 71);
};

TEST_P(Week, Of_small_writes_leaves_every_vector_once_and_few_files) {
  if (!store_->capabilities().persistent) GTEST_SKIP() << "the engine keeps nothing";
  std::mt19937_64 random(printed_seed());
  Truth truth(Metric::cosine);
  std::uint64_t lsn = 0;
  std::size_t files_seen = 0;
  for (std::size_t day = 0; day < days; ++day) {
    ASSERT_TRUE(open("points", 16));
    for (std::size_t at = 0; at < batches_a_day; ++at) {
      auto changes = batch(random, truth);
      changes.position = Position{"history", ++lsn};
      must_apply("points", changes);
      truth.apply(changes);
      ASSERT_TRUE(store_->save("points").has_value());
      files_seen = std::max(files_seen, files());
    }
    const auto found = must_scan("points");
    ASSERT_EQ(found.size(), truth.entries().size()) << "day " << day;
    for (const auto& [key, entry] : truth.entries())
      ASSERT_TRUE(found.contains(key)) << "day " << day << " key " << key;
    const auto& query = pool_[day].values;
    EXPECT_GE(check_answer(must_search("points", query, nearest(20)), truth, query, nearest(20)), 19U);
    reopen();
  }
  EXPECT_LE(files_seen, most_files);
  ASSERT_TRUE(open("points", 16));
  EXPECT_EQ((*store_->position("points"))->lsn, lsn);
  EXPECT_EQ(must_scan("points").size(), truth.entries().size());
}

INSTANTIATE_TEST_SUITE_P(Engines, Week, testing::ValuesIn(vector_engines()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace triune::conformance
