// Readers beside a writer: a batch is seen whole or not at all, and nobody waits for ever.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "conformance/vector/fixture.h"

namespace triune::conformance {
namespace {

class Concurrency : public VectorConformance {};

TEST_P(Concurrency, Searches_see_every_batch_whole_or_not_at_all) {
  constexpr int rounds = 60;
  constexpr std::size_t pairs = 40;
  ASSERT_TRUE(open("pairs", 8, Metric::l2));
  const auto entries = clustered(2 * pairs, 8, 31);
  must_apply("pairs", {.puts = entries, .deletes = {}, .position = contract::Position{"h", 0}});
  std::atomic<bool> done{false};
  std::atomic<int> searches{0};
  const auto reader = [&] {
    while (!done || searches < 4) {
      const auto answer = store_->search("pairs", entries[0].values, nearest(10 * pairs));
      ASSERT_TRUE(answer.has_value()) << answer.error().message;
      // Every batch moves all keys by the same amount and keeps their number.
      ASSERT_EQ(answer->matches.size(), 2 * pairs);
      VectorKey smallest = answer->matches[0].key;
      VectorKey largest = smallest;
      for (const auto& match : answer->matches) {
        smallest = std::min(smallest, match.key);
        largest = std::max(largest, match.key);
      }
      ASSERT_EQ(largest - smallest, 2 * pairs - 1);
      ++searches;
    }
  };
  std::vector<std::jthread> readers;
  for (int count = 0; count < 3; ++count) readers.emplace_back(reader);
  for (int round = 1; round <= rounds; ++round) {
    contract::VectorBatch batch;
    for (const auto& entry : entries) {
      const VectorKey old_key = entry.key + static_cast<VectorKey>(round - 1) * 1'000;
      batch.deletes.push_back(old_key);
      batch.puts.push_back({old_key + 1'000, entry.values, {}});
    }
    batch.position = contract::Position{"h", static_cast<std::uint64_t>(round)};
    must_apply("pairs", batch);
  }
  done = true;
}

TEST_P(Concurrency, Readers_writers_saves_and_scans_run_beside_each_other) {
  ASSERT_TRUE(open("busy", 16));
  const auto pool = clustered(1'200, 16, 32);
  must_put("busy", {pool.begin(), pool.begin() + 400});
  std::atomic<bool> done{false};
  std::vector<std::jthread> threads;
  for (int count = 0; count < 2; ++count)
    threads.emplace_back([&, count] {
      auto options = nearest(10);
      if (count == 1) options.filter.keys = {1, 2, 3, 50, 399};
      while (!done) {
        const auto answer = store_->search("busy", pool[7].values, options);
        ASSERT_TRUE(answer.has_value()) << answer.error().message;
        ASSERT_EQ(answer->matches.size(), count == 1 ? 5U : 10U);
      }
    });
  threads.emplace_back([&] {
    while (!done) {
      ASSERT_TRUE(store_->save("busy").has_value());
      ASSERT_TRUE(store_->statistics("busy").has_value());
    }
  });
  threads.emplace_back([&] {
    while (!done) {
      std::size_t seen = 0;
      const auto status = store_->scan("busy", [&](VectorKey, std::span<const float>) -> Status {
        ++seen;
        return {};
      });
      ASSERT_TRUE(status.has_value()) << status.error().message;
      ASSERT_GE(seen, 400U);
    }
  });
  for (std::size_t at = 400; at + 20 <= pool.size(); at += 20) {
    contract::VectorBatch batch{
        .puts = {pool.begin() + static_cast<std::ptrdiff_t>(at), pool.begin() + static_cast<std::ptrdiff_t>(at) + 20},
        .deletes = {},
        .position = contract::Position{"h", at}};
    // Every second batch is taken back, so that rows are used again under the readers' feet.
    must_apply("busy", batch);
    if (at % 40 == 0) {
      contract::VectorBatch undo;
      for (const auto& entry : batch.puts) undo.deletes.push_back(entry.key);
      must_apply("busy", undo);
    }
  }
  done = true;
  threads.clear();
  if (!store_->capabilities().persistent) return;
  ASSERT_TRUE(store_->save("busy").has_value());
  const auto before = must_scan("busy");
  reopen();
  ASSERT_TRUE(open("busy", 16));
  EXPECT_EQ(must_scan("busy"), before);
}

TEST_P(Concurrency, Many_collections_are_used_at_once) {
  constexpr int collections = 6;
  std::vector<std::jthread> threads;
  for (int number = 0; number < collections; ++number)
    threads.emplace_back([&, number] {
      const std::string name = "collection " + std::to_string(number);
      ASSERT_TRUE(open(name, 8).has_value());
      const auto entries = clustered(300, 8, static_cast<std::uint64_t>(40 + number));
      for (std::size_t at = 0; at < entries.size(); at += 50)
        must_put(name, {entries.begin() + static_cast<std::ptrdiff_t>(at),
                        entries.begin() + static_cast<std::ptrdiff_t>(at) + 50});
      EXPECT_EQ(must_search(name, entries[3].values, nearest(1)).matches.at(0).key, 4U);
      ASSERT_TRUE(store_->save(name).has_value());
      if (number % 2 == 0) {
        ASSERT_TRUE(store_->drop_collection(name).has_value());
      }
    });
  threads.clear();
  for (int number = 0; number < collections; ++number)
    EXPECT_EQ(store_->statistics("collection " + std::to_string(number)).has_value(), number % 2 != 0);
}

INSTANTIATE_TEST_SUITE_P(Engines, Concurrency, testing::ValuesIn(vector_engines()),
                         [](const auto& engine) { return engine.param.name; });

}  // namespace
}  // namespace triune::conformance
