// The graph over packed vectors: built by several threads, saved, and checked for whom it cannot reach.
#include "adapters/usearch/graph.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <iostream>
#include <random>
#include <set>
#include <thread>

#include "adapters/usearch/scorer.h"

namespace triune::adapters::usearch {
namespace {

class GraphOverClusters : public testing::Test {
 protected:
  static constexpr std::uint32_t dimension = 48;
  static constexpr Row count = 2'000;

  GraphOverClusters() : scorer_(Metric::cosine, dimension, Scalar::f16), packed_(count * scorer_.bytes()) {
    const auto seed = std::random_device{}();
    std::cout << "seed " << seed << "\n";
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    std::vector<std::vector<float>> centres(40, std::vector<float>(dimension));
    for (auto& centre : centres)
      for (float& value : centre) value = normal(random);
    std::vector<float> values(dimension);
    for (Row row = 0; row < count; ++row) {
      const auto& centre = centres[random() % centres.size()];
      for (std::size_t at = 0; at < dimension; ++at) values[at] = centre[at] + 0.4F * normal(random);
      scorer_.pack(values, packed_.data() + row * scorer_.bytes());
    }
  }

  [[nodiscard]] const std::byte* vector(Row row) const { return packed_.data() + row * scorer_.bytes(); }

  std::unique_ptr<Graph> build(std::size_t threads) {
    auto made = Graph::make(scorer_, GraphTuning{}, count, 4);
    EXPECT_TRUE(made.has_value());
    std::atomic<Row> next{0};
    std::vector<std::jthread> workers;
    for (std::size_t context = 0; context < threads; ++context)
      workers.emplace_back([&, context] {
        for (Row row = next++; row < count; row = next++)
          ASSERT_TRUE((*made)->add(row, vector(row), context).has_value());
      });
    workers.clear();
    return std::move(*made);
  }

  Scorer scorer_;
  std::vector<std::byte> packed_;
};

TEST_F(GraphOverClusters, NearlyEveryVectorIsFoundByItself) {
  for (const std::size_t threads : {1, 2, 4}) {
    const auto graph = build(threads);
    ASSERT_EQ(graph->size(), count);
    std::set<Row> lost;
    for (Row row = 0; row < count; ++row) {
      const auto missed = graph->misses(row, vector(row), 0);
      ASSERT_TRUE(missed.has_value());
      if (*missed) lost.insert(row);
    }
    EXPECT_LE(lost.size(), count / 100U) << threads << " threads";
    EXPECT_LE(graph->unreached().size(), count / 100U) << threads << " threads";
  }
}

TEST_F(GraphOverClusters, ASavedGraphAnswersAsBefore) {
  const auto graph = build(2);
  std::string bytes;
  ASSERT_TRUE(graph->save([&](const void* data, std::size_t size) {
    bytes.append(static_cast<const char*>(data), size);
    return true;
  }));
  std::size_t read = 0;
  const auto source = [&](void* data, std::size_t size) {
    if (bytes.size() - read < size) return false;
    std::memcpy(data, bytes.data() + read, size);
    read += size;
    return true;
  };
  auto loaded = Graph::make(scorer_, GraphTuning{}, 0, 4);
  ASSERT_TRUE((*loaded)->load(source, count, [&](Row row) { return vector(row); }).has_value());
  EXPECT_EQ(read, bytes.size());
  ASSERT_EQ((*loaded)->size(), count);
  for (Row row = 0; row < count; row += 37) {
    const auto before = graph->search(vector(row), 10, 1, {});
    const auto after = (*loaded)->search(vector(row), 10, 3, {});
    ASSERT_TRUE(before && after);
    ASSERT_EQ(before->found.size(), after->found.size());
    for (std::size_t at = 0; at < before->found.size(); ++at) EXPECT_EQ(before->found[at].row, after->found[at].row);
  }
  ASSERT_TRUE((*loaded)->reserve(count + 1).has_value());
  ASSERT_TRUE((*loaded)->add(0, vector(0)).has_value()) << "a loaded graph takes more";
}

TEST_F(GraphOverClusters, ALoadThatFailsIsReported) {
  auto graph = Graph::make(scorer_, GraphTuning{}, 0, 1);
  const auto empty = [](void*, std::size_t) { return false; };
  const auto status = (*graph)->load(empty, count, [&](Row row) { return vector(row); });
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().engine, "usearch");
  EXPECT_FALSE(status.error().native_code.empty());
}

TEST_F(GraphOverClusters, OnlyAdmittedRowsAreFound) {
  const auto graph = build(2);
  const auto answer = graph->search(vector(5), 20, 0, [](Row row) { return row % 7 == 0; });
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->found.size(), 20U);
  for (const auto& found : answer->found) EXPECT_EQ(found.row % 7, 0U);
  EXPECT_GT(answer->distances, 20U);
}

TEST_F(GraphOverClusters, AddingWithoutRoomIsRefused) {
  auto graph = Graph::make(scorer_, GraphTuning{}, 0, 1);
  ASSERT_TRUE(graph.has_value());
  Row row = 0;
  while (row < count && (*graph)->add(row, vector(row)).has_value()) ++row;
  EXPECT_EQ((*graph)->size(), row);
  EXPECT_LT(row, count);
}

}  // namespace
}  // namespace triune::adapters::usearch
