// Random histories held against brute force in double precision: nothing lost, nothing twice, nothing that was deleted.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "conformance/vector/fixture.h"

namespace triune::conformance {
namespace {

class Differential : public VectorConformance {
 protected:
  using Random = std::mt19937_64;

  contract::VectorBatch random_batch(Random& random, const std::vector<VectorEntry>& pool, std::size_t largest_key) {
    contract::VectorBatch batch;
    std::vector<VectorKey> keys(random() % 60);
    for (auto& key : keys) key = 1 + random() % largest_key;
    std::ranges::sort(keys);
    keys.erase(std::ranges::unique(keys).begin(), keys.end());
    for (const auto key : keys) {
      if (random() % 4 == 0) {
        batch.deletes.push_back(key);
        continue;
      }
      VectorEntry entry = pool[random() % pool.size()];
      entry.key = key;
      if (random() % 3 == 0) entry.metadata.push_back({"group", static_cast<std::int64_t>(random() % 3)});
      batch.puts.push_back(std::move(entry));
    }
    return batch;
  }

  contract::VectorQueryOptions random_options(Random& random, std::size_t largest_key) {
    auto options = nearest(1 + random() % 30);
    options.exact = random() % 4 == 0;
    if (random() % 2 == 0) {
      options.filter.keys = std::vector<VectorKey>();
      const std::size_t share = 1 + random() % 40;
      for (VectorKey key = 1; key <= largest_key + 50; ++key)
        if (random() % share == 0) options.filter.keys->push_back(key);
    }
    if (random() % 4 == 0 && store_->capabilities().metadata_filter)
      options.filter.equals = {{"group", static_cast<std::int64_t>(random() % 4)}};
    return options;
  }

  void run(Metric metric, std::uint32_t dimension) {
    Random random(printed_seed());
    const std::string name(to_string(metric));
    ASSERT_TRUE(open(name, dimension, metric));
    Truth truth(metric);
    const auto pool = clustered(1'500, dimension, random());
    constexpr std::size_t largest_key = 900;
    std::size_t wanted = 0;
    std::size_t right = 0;
    for (int step = 0; step < 150; ++step) {
      const auto batch = random_batch(random, pool, largest_key);
      must_apply(name, batch);
      truth.apply(batch);
      const auto query = pool[random() % pool.size()].values;
      const auto options = random_options(random, largest_key);
      const auto answer = must_search(name, query, options);
      const auto hits = check_answer(answer, truth, query, options);
      if (options.exact || !store_->capabilities().approximate) {
        EXPECT_EQ(hits, answer.matches.size()) << answer.strategy;
      }
      wanted += answer.matches.size();
      right += hits;
      if (HasFailure()) return;
    }
    EXPECT_GE(static_cast<double>(right), 0.97 * static_cast<double>(wanted));
    EXPECT_EQ(store_->statistics(name)->vectors, truth.entries().size());
    const auto kept = must_scan(name);
    ASSERT_EQ(kept.size(), truth.entries().size());
    for (const auto& [key, entry] : truth.entries()) ASSERT_TRUE(kept.contains(key)) << key;
  }
};

TEST_P(Differential, Random_histories_by_cosine) {
  run(Metric::cosine, 48);
}
TEST_P(Differential, Random_histories_by_l2) {
  run(Metric::l2, 48);
}
TEST_P(Differential, Random_histories_by_inner_product) {
  run(Metric::dot, 48);
}
TEST_P(Differential, Random_histories_in_few_dimensions) {
  run(Metric::l2, 3);
}

TEST_P(Differential, Recall_is_at_least_95_percent_and_grows_with_the_effort) {
  if (!store_->capabilities().approximate) GTEST_SKIP() << "the engine compares with every vector";
  const auto seed = printed_seed();
  const std::size_t size = GetParam().indexed_from + GetParam().indexed_from / 20;
  ASSERT_TRUE(open("many", 32));
  Truth truth(Metric::cosine);
  auto entries = clustered(size + 50, 32, seed);
  const std::vector<VectorEntry> queries(entries.end() - 50, entries.end());
  entries.resize(size);
  truth.apply({.puts = entries, .deletes = {}, .position = {}});
  const auto source = [&](const std::function<Status(const VectorEntry&)>& visitor) -> Status {
    for (const auto& entry : entries)
      if (auto status = visitor(entry); !status) return status;
    return {};
  };
  ASSERT_TRUE(store_->bulk_load("many", size, source, {"history", 1}).has_value());
  EXPECT_LT(store_->statistics("many")->unindexed, size / 100) << "the load did not make an index";
  const auto right_by = [&](std::uint32_t effort) {
    auto options = nearest(10);
    options.effort = effort;
    std::size_t right = 0;
    for (const auto& query : queries) {
      const auto answer = must_search("many", query.values, options);
      EXPECT_EQ(answer.strategy, "index");
      right += check_answer(answer, truth, query.values, options);
    }
    return right;
  };
  EXPECT_GE(right_by(0), queries.size() * 10 * 95 / 100) << "by its own measure";
  EXPECT_GE(right_by(1'000), right_by(10)) << "more effort finds no less";
}

TEST_P(Differential, Churn_leaves_no_vector_out_of_reach) {
  std::mt19937_64 random(printed_seed());
  constexpr std::size_t size = 2'000;
  ASSERT_TRUE(open("churned", 32));
  Truth truth(Metric::cosine);
  const auto old_entries = clustered(size, 32, random());
  auto new_entries = clustered(size, 32, random());
  must_put("churned", old_entries);
  truth.apply({.puts = old_entries, .deletes = {}, .position = {}});
  settle("churned");
  for (std::size_t round = 0; round < 3; ++round) {
    contract::VectorBatch deletes;
    contract::VectorBatch puts;
    for (std::size_t at = round; at < size; at += 3) {
      deletes.deletes.push_back(at + 1);
      puts.puts.push_back(new_entries[at]);
    }
    must_apply("churned", deletes);
    truth.apply(deletes);
    must_apply("churned", puts);
    truth.apply(puts);
    settle("churned");
  }
  ASSERT_EQ(store_->statistics("churned")->vectors, size);
  std::size_t missed = 0;
  for (const auto& [key, entry] : truth.entries()) {
    const auto answer = must_search("churned", entry.values, nearest(1));
    if (answer.matches.size() != 1 || answer.matches[0].key != key) ++missed;
  }
  EXPECT_EQ(missed, 0U);
}

INSTANTIATE_TEST_SUITE_P(Engines, Differential, testing::ValuesIn(vector_engines()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace triune::conformance
