// Segments: what is frozen and merged, and that searches find it.
#include <atomic>

#include "adapters/usearch/segment_fixture.h"

namespace triune::adapters::usearch {
namespace {

TEST_F(Segments, WhatOutgrowsMemoryIsFrozenAndFound) {
  for (const auto metric : {Metric::cosine, Metric::l2, Metric::dot}) {
    ASSERT_TRUE(store_->drop_collection("c").has_value());
    truth_.clear();
    reopen(metric);
    Clusters clusters(dimension, 1);
    fill(clusters, 1, 3'000);
    wait_for([this] { return segment_files() > 0; });
    EXPECT_EQ(store_->search("c", clusters.next(), {})->strategy, "index");
    std::size_t hits = 0;
    for (int query = 0; query < 40; ++query) hits += check(clusters.next(), {}, metric);
    EXPECT_GE(hits, 40U * 10 * 97 / 100) << to_string(metric);
    expect_holds_the_truth();
    if (metric != Metric::dot) {
      EXPECT_EQ(missed(), 0U);
    }
  }
}

TEST_F(Segments, ThereAreFewOfThemHoweverMuchComes) {
  Clusters clusters(dimension, 2);
  for (VectorKey first = 1; first < 20'000; first += 1'000) {
    fill(clusters, first, first + 999);
    ASSERT_TRUE(store_->save("c").has_value());
  }
  // Small ones, full ones of at least half the size, and what a merge replaces until its save.
  wait_for([this] { return segment_files() <= 4 + 20'000UL * 400 / (settings_.segment_bytes / 2) + 1; });
  expect_holds_the_truth();
}

TEST_F(Segments, DeletedAndReplacedVectorsAreNeverFoundAndOthersTakeTheirPlaces) {
  Clusters clusters(dimension, 3);
  load(clusters, 3'000);
  ASSERT_GT(segment_files(), 1U);
  const auto old = truth_;
  for (int round = 0; round < 4; ++round) {
    VectorBatch batch;
    for (VectorKey key = 1 + static_cast<VectorKey>(round); key <= 3'000; key += 7) {
      if (round % 2 == 0) batch.deletes.push_back(key);
      if (round > 0) batch.puts.push_back({key, clusters.next(), {}});
    }
    apply(batch);
    std::size_t hits = 0;
    for (int query = 0; query < 20; ++query) hits += check(clusters.next(), {});
    EXPECT_GE(hits, 190U);
    contract::VectorQueryOptions all;
    all.count = 5'000;
    check(clusters.next(), all);
  }
  expect_holds_the_truth();
  for (VectorKey key = 1; key <= 3'000; key += 7)
    if (!truth_.contains(key)) {
      const auto answer = store_->search("c", old.at(key), {});
      EXPECT_TRUE(std::ranges::none_of(answer->matches, [key](const auto& match) { return match.key == key; }));
    }
}

TEST_F(Segments, SegmentsWithManyDeletedAreMadeAnewWithoutThem) {
  Clusters clusters(dimension, 4);
  load(clusters, 4'000);
  ASSERT_TRUE(store_->save("c").has_value());
  const auto before = store_->statistics("c")->file_bytes;
  VectorBatch batch;
  for (VectorKey key = 1; key <= 4'000; ++key)
    if (key % 5 < 3) batch.deletes.push_back(key);
  apply(batch);
  wait_for([&] { return store_->statistics("c")->file_bytes < before * 6 / 10; });
  EXPECT_EQ(missed(), 0U);
  expect_holds_the_truth();
  VectorBatch rest;
  for (const auto& [key, values] : truth_) rest.deletes.push_back(key);
  apply(rest);
  wait_for([this] { return segment_files() == 0; });
  EXPECT_TRUE(store_->search("c", clusters.next(), {})->matches.empty());
}

TEST_F(Segments, FiltersAdmitExactlyTheirKeys) {
  auto random = seeded();
  Clusters clusters(dimension, random());
  load(clusters, 4'000);
  fill(clusters, 4'001, 4'100);
  for (const std::size_t one_in : {1, 2, 10, 100, 1'000, 4'000}) {
    std::size_t hits = 0;
    std::size_t wanted = 0;
    for (int query = 0; query < 12; ++query) {
      contract::VectorQueryOptions options;
      options.exact = query % 4 == 0;
      options.filter.keys = std::vector<VectorKey>();
      for (VectorKey key = 0; key < 4'500; ++key)
        if (random() % one_in == 0) options.filter.keys->push_back(key);
      const auto values = clusters.next();
      const std::size_t found = check(values, options);
      const std::size_t there = std::min<std::size_t>(10, ranked(values, Metric::cosine, options.filter).size());
      if (options.exact) {
        EXPECT_EQ(found, there);
      }
      hits += found;
      wanted += there;
    }
    EXPECT_GE(hits * 100, wanted * 97) << "one in " << one_in;
  }
}

TEST_F(Segments, MetadataFiltersReachSegments) {
  std::vector<VectorEntry> entries;
  Clusters clusters(dimension, 5);
  for (VectorKey key = 1; key <= 2'000; ++key) {
    entries.push_back({key, clusters.next(), {{"group", static_cast<std::int64_t>(key % 50)}}});
    truth_[key] = entries.back().values;
  }
  apply({.puts = entries, .deletes = {}, .position = Position{"h", 1}});
  wait_for([this] { return segment_files() > 0; });
  ASSERT_TRUE(store_->save("c").has_value());
  reopen();
  contract::VectorQueryOptions options;
  options.count = 100;
  options.filter.equals = {{"group", std::int64_t{7}}};
  const auto answer = store_->search("c", entries[0].values, options);
  ASSERT_EQ(answer->matches.size(), 40U);
  for (const auto& match : answer->matches) EXPECT_EQ(match.key % 50, 7U);
}

TEST_F(Segments, RandomHistoriesSurviveSavingAndReopening) {
  auto random = seeded();
  Clusters clusters(dimension, random());
  Truth saved;
  std::size_t hits = 0;
  std::size_t wanted = 0;
  for (int step = 0; step < 120; ++step) {
    VectorBatch batch{.puts = {}, .deletes = {}, .position = Position{"h", static_cast<std::uint64_t>(step) + 1}};
    std::set<VectorKey> keys;
    for (std::size_t count = random() % 150; count > 0; --count) keys.insert(random() % 3'000);
    for (const auto key : keys) {
      if (random() % 3 == 0) batch.deletes.push_back(key);
      if (random() % 4 != 0) batch.puts.push_back({key, clusters.next(), {}});
    }
    apply(batch);
    contract::VectorQueryOptions options;
    options.count = 1 + random() % 20;
    options.exact = random() % 3 == 0;
    const auto found = check(clusters.next(), options);
    const auto there = std::min(options.count, truth_.size());
    if (options.exact) {
      EXPECT_EQ(found, there);
    }
    hits += found;
    wanted += there;
    if (random() % 10 == 0) {
      ASSERT_TRUE(store_->save("c").has_value());
      saved = truth_;
      if (random() % 2 == 0) reopen();
    }
    if (HasFailure()) return;
  }
  EXPECT_GE(hits * 100, wanted * 97);
  expect_holds_the_truth();
  ASSERT_TRUE(store_->save("c").has_value());
  reopen();
  expect_holds_the_truth();
  EXPECT_EQ(missed(), 0U);
}

TEST_F(Segments, ManyThreadsSearchAndWriteWhileSegmentsComeAndGo) {
  auto random = seeded();
  Clusters clusters(dimension, random());
  load(clusters, 2'000);
  std::vector<std::vector<float>> queries;
  for (int count = 0; count < 50; ++count) queries.push_back(clusters.next());
  std::atomic<bool> done{false};
  std::atomic<std::size_t> wrong{0};
  std::vector<std::jthread> readers;
  for (std::size_t reader = 0; reader < 3; ++reader)
    readers.emplace_back([&, reader] {
      for (std::size_t at = reader; !done; ++at) {
        const auto answer = store_->search("c", queries[at % queries.size()], {});
        if (!answer || answer->matches.size() != 10) ++wrong;
      }
    });
  for (int round = 0; round < 30; ++round) {
    VectorBatch batch;
    for (VectorKey key = random() % 10; key < 2'500; key += 10) batch.puts.push_back({key, clusters.next(), {}});
    apply(batch);
    if (round % 7 == 0) {
      ASSERT_TRUE(store_->save("c").has_value());
    }
  }
  done = true;
  readers.clear();
  EXPECT_EQ(wrong, 0U);
  expect_holds_the_truth();
}

TEST_F(Segments, FewDimensionsAreKeptWithoutCodes) {
  ASSERT_TRUE(store_->drop_collection("c").has_value());
  for (const std::uint32_t dimensions : {3U, 32U}) {
    truth_.clear();
    reopen(Metric::l2, dimensions);
    Clusters clusters(dimensions, 6);
    load(clusters, 6'000);
    ASSERT_GT(segment_files(), 0U);
    std::size_t hits = 0;
    for (int query = 0; query < 20; ++query) hits += check(clusters.next(), {}, Metric::l2);
    EXPECT_GE(hits, 195U);
    expect_holds_the_truth();
    ASSERT_TRUE(store_->drop_collection("c").has_value());
  }
}

TEST_F(Segments, WideAndNarrowSegmentsLiveSideBySide) {
  ASSERT_TRUE(store_->drop_collection("c").has_value());
  reopen(Metric::l2);
  Clusters clusters(dimension, 7);
  load(clusters, 1'500);
  VectorBatch batch;
  for (VectorKey key = 2'001; key <= 3'500; ++key) {
    auto values = clusters.next();
    for (float& value : values) value *= 1e5F;
    batch.puts.push_back({key, values, {}});
  }
  apply(batch);
  wait_for([this] { return store_->statistics("c")->unindexed < 200; });
  ASSERT_TRUE(store_->save("c").has_value());
  reopen(Metric::l2);
  EXPECT_EQ(missed(), 0U);
  for (const auto key : {3U, 2'100U}) {
    contract::VectorQueryOptions options;
    options.count = 3'000;
    EXPECT_EQ(store_->search("c", truth_.at(key), options)->matches.size(), 3'000U);
  }
}

TEST_F(Segments, VectorsThatCodesCannotTellApartAreKeptWithoutThem) {
  for (const auto metric : {Metric::l2, Metric::cosine}) {
    ASSERT_TRUE(store_->drop_collection("c").has_value());
    truth_.clear();
    reopen(metric);
    // Two narrow groups far from each other: the bits of a code would all go into the distance between them.
    Clusters clusters(dimension, 13);
    for (VectorKey key = 1; key <= 3'000; ++key) {
      auto values = clusters.next();
      for (std::size_t at = 0; at < values.size(); ++at)
        values[at] = values[at] * 0.05F + ((key + at) % 2 == 0 ? 20.0F : -20.0F);
      truth_[key] = values;
    }
    ASSERT_TRUE(store_->bulk_load("c", 3'000, source(), {"h", 1}).has_value());
    ASSERT_GT(segment_files(), 0U);
    std::size_t hits = 0;
    for (VectorKey key = 1; key <= 3'000; key += 100) {
      contract::VectorQueryOptions options;
      const auto answer = store_->search("c", truth_.at(key), options);
      ASSERT_TRUE(answer.has_value());
      options.exact = true;
      const auto exact = store_->search("c", truth_.at(key), options);
      for (const auto& match : answer->matches) hits += match.distance <= exact->matches.back().distance ? 1 : 0;
    }
    EXPECT_GE(hits, 295U) << to_string(metric);
  }
}

TEST_F(Segments, ASmallGroupFarFromAllOthersIsFoundByWhoeverAsksNearIt) {
  std::mt19937 random(17);
  std::normal_distribution<float> normal;
  const auto near = [&](float side) {
    std::vector<float> values(dimension);
    for (float& value : values) value = side + 0.2F * normal(random);
    return values;
  };
  for (VectorKey key = 1; key <= 3'000; ++key) truth_[key] = near(key <= 20 ? -1 : 1);
  ASSERT_TRUE(store_->bulk_load("c", truth_.size(), source(), {"h", 1}).has_value());
  ASSERT_GT(segment_files(), 0U);
  for (int query = 0; query < 20; ++query) {
    const auto answer = store_->search("c", near(-1), {});
    ASSERT_EQ(answer->matches.size(), 10U);
    for (const auto& match : answer->matches) EXPECT_LE(match.key, 20U);
  }
}

TEST_F(Segments, ZeroVectorsAreAtCosineDistanceOne) {
  Clusters clusters(dimension, 8);
  load(clusters, 1'500);
  VectorBatch zeros;
  for (VectorKey key = 5'001; key <= 5'600; ++key) zeros.puts.push_back({key, std::vector<float>(dimension), {}});
  apply(zeros);
  wait_for([this] { return segment_files() > 1; });
  const auto from_zero = store_->search("c", std::vector<float>(dimension), {});
  ASSERT_EQ(from_zero->matches.size(), 10U);
  for (const auto& match : from_zero->matches) EXPECT_FLOAT_EQ(match.distance, 1);
  std::size_t hits = 0;
  for (int query = 0; query < 20; ++query) hits += check(clusters.next(), {});
  EXPECT_GE(hits, 195U);
}

}  // namespace
}  // namespace triune::adapters::usearch
