// Filtered vector search on a collection that is large enough for an index: whichever is asked first, the index or the
// predicate, the answer is the nearest of those that satisfy it.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::StartsWith;

class HiveFilter : public testing::HiveTest {
 protected:
  static constexpr int vectors = 12'000;
  static constexpr std::uint32_t dimension = 8;
  static constexpr std::size_t wanted = 10;

  void SetUp() override {
    HiveTest::SetUp();
    ASSERT_TRUE(hive_->create_collection({.name = "points", .dimension = dimension, .metric = Metric::l2}));
    std::mt19937 random(11);
    std::normal_distribution<float> value;
    for (int i = 0; i < vectors; ++i) {
      stored_.emplace_back(dimension);
      std::ranges::generate(stored_.back(), [&] { return value(random); });
    }
    std::size_t at = 0;
    const auto loaded = hive_->load_vectors("points", [&](PutVector& vector) -> Result<bool> {
      if (at == stored_.size()) return false;
      vector.id = std::to_string(at);
      vector.values = stored_[at];
      vector.metadata = {{"bucket", static_cast<std::int64_t>(at % 1000)}};
      ++at;
      return true;
    });
    ASSERT_TRUE(loaded) << loaded.error().message;
  }

  VectorSearchResult search(std::int64_t limit, const std::vector<float>& query) {
    auto found = hive_->search(
        {.collection = "points", .query = query, .count = wanted, .where = "bucket < ?1", .parameters = {limit}});
    EXPECT_TRUE(found) << found.error().message;
    return found ? std::move(*found) : VectorSearchResult();
  }

  /// The ids of the nearest in a bucket below the limit, by looking at each.
  std::vector<std::string> nearest(std::int64_t limit, const std::vector<float>& query) const {
    std::vector<std::pair<double, std::size_t>> all;
    for (std::size_t i = 0; i < stored_.size(); ++i) {
      if (static_cast<std::int64_t>(i % 1000) >= limit) continue;
      double distance = 0;
      for (std::size_t d = 0; d < dimension; ++d) distance += std::pow(query[d] - stored_[i][d], 2);
      all.emplace_back(distance, i);
    }
    std::ranges::sort(all);
    std::vector<std::string> ids;
    for (std::size_t i = 0; i < std::min(wanted, all.size()); ++i) ids.push_back(std::to_string(all[i].second));
    return ids;
  }

  /// Share of the nearest that were found, over some queries; each answer is full and satisfies the predicate.
  double recall(std::int64_t limit) {
    std::size_t found = 0;
    std::size_t expected = 0;
    for (int query = 0; query < 20; ++query) {
      const auto result = search(limit, stored_[static_cast<std::size_t>(query) * 31]);
      const auto ids = nearest(limit, stored_[static_cast<std::size_t>(query) * 31]);
      EXPECT_EQ(result.hits.size(), ids.size()) << result.strategy;
      for (const auto& hit : result.hits) {
        EXPECT_LT(std::get<std::int64_t>(*find(hit.metadata, "bucket")), limit) << result.strategy;
        found += static_cast<std::size_t>(std::ranges::count(ids, hit.id));
      }
      EXPECT_TRUE(std::ranges::is_sorted(result.hits, {}, &VectorHit::distance));
      expected += ids.size();
    }
    return static_cast<double>(found) / static_cast<double>(expected);
  }

  std::vector<std::vector<float>> stored_;
};

TEST_F(HiveFilter, AsksTheIndexFirstWhereManySatisfyThePredicate) {
  EXPECT_THAT(search(500, stored_[0]).strategy, StartsWith("index, then the predicate"));
  EXPECT_GE(recall(500), 0.97);
  EXPECT_GE(recall(100), 0.97);
}

TEST_F(HiveFilter, TurnsToThePredicateWhereFewSatisfyIt) {
  EXPECT_THAT(search(1, stored_[0]).strategy, StartsWith("scan of"));
  EXPECT_EQ(recall(1), 1.0);
  EXPECT_TRUE(search(0, stored_[0]).hits.empty());
}

TEST_F(HiveFilter, IsRightWhateverAnEarlierSearchFound) {
  for (const std::int64_t limit : {500, 1, 500, 3, 999, 0, 40, 1000, 2, 500}) {
    const auto result = search(limit, stored_[77]);
    const auto ids = nearest(limit, stored_[77]);
    ASSERT_EQ(result.hits.size(), ids.size()) << limit << " " << result.strategy;
    if (!ids.empty()) {
      EXPECT_EQ(result.hits[0].id, ids[0]) << limit << " " << result.strategy;
    }
  }
}

TEST_F(HiveFilter, RefusesAParameterThatWasNotGiven) {
  const auto refused = hive_->search({.collection = "points", .query = stored_[0], .where = "bucket < 900 OR ?1 > 0"});
  ASSERT_FALSE(refused) << "a value of our own must not take its place";
}

}  // namespace
}  // namespace triune
