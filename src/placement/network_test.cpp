#include "placement/network.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <string>

namespace triune::placement {
namespace {

using Edges = std::vector<std::pair<int, int>>;

NetworkMeasure measured(const Edges& edges, std::optional<double> multi_hop_share = {}, const char* other = "node") {
  NetworkBuilder builder;
  for (const auto& [from, to] : edges)
    builder.add(node_of("node", Value(std::int64_t{from})), node_of(other, Value(std::int64_t{to})));
  return std::move(builder).measure(multi_hop_share);
}

Edges random_graph(int nodes, int edges, unsigned seed) {
  std::mt19937 random(seed);
  Edges result;
  for (int i = 0; i < edges; ++i)
    result.emplace_back(static_cast<int>(random() % static_cast<unsigned>(nodes)),
                        static_cast<int>(random() % static_cast<unsigned>(nodes)));
  return result;
}

/// Preferential attachment: who is known becomes better known, and half of the ties are mutual.
Edges social_graph(int people, int ties, unsigned seed) {
  std::mt19937 random(seed);
  Edges result{{0, 1}};
  for (int person = 2; person < people; ++person)
    for (int tie = 0; tie < ties; ++tie) {
      const auto& [left, right] = result[random() % result.size()];
      const int other = random() % 2 == 0 ? left : right;
      result.emplace_back(person, other);
      if (random() % 2 == 0) result.emplace_back(other, person);
    }
  return result;
}

TEST(Network, AStarIsNoNetwork) {
  Edges star;
  for (int leaf = 1; leaf <= 1000; ++leaf) star.emplace_back(leaf, 0);
  const auto measure = measured(star);
  EXPECT_EQ(measure.nodes, 1001U);
  EXPECT_EQ(measure.highest_degree, 1000U);
  EXPECT_EQ(measure.cycles, 0);
  EXPECT_EQ(measure.complexity, 0);
}

TEST(Network, ATreeAndAChainAreNoNetworks) {
  Edges tree;
  Edges chain;
  for (int node = 1; node < 2000; ++node) {
    tree.emplace_back(node, (node - 1) / 3);
    chain.emplace_back(node, node - 1);
  }
  EXPECT_EQ(measured(tree).complexity, 0);
  EXPECT_EQ(measured(chain).complexity, 0);
  EXPECT_EQ(measured(chain).components, 1U);
}

TEST(Network, APlainForeignKeyIsNoNetwork) {
  Edges orders;
  std::mt19937 random(1);
  for (int order = 0; order < 5000; ++order) orders.emplace_back(order, static_cast<int>(random() % 40));
  const auto measure = measured(orders, {}, "customer");
  EXPECT_EQ(measure.nodes, 5040U);
  EXPECT_EQ(measure.complexity, 0);
  // Even a workload of nothing but long joins leaves it far from the threshold.
  EXPECT_LT(measured(orders, 1.0, "customer").complexity, 0.3);
}

TEST(Network, ASparseRandomGraphIsBetween) {
  const auto measure = measured(random_graph(1000, 2000, 3));
  EXPECT_GT(measure.complexity, 0.2);
  EXPECT_LT(measure.complexity, 0.6);
}

TEST(Network, ADenseRandomGraphIsANetwork) {
  const auto measure = measured(random_graph(1000, 10'000, 3));
  EXPECT_NEAR(measure.mean_degree, 20, 1);
  EXPECT_GT(measure.complexity, graph_threshold);
}

TEST(Network, ASocialGraphIsANetwork) {
  const auto measure = measured(social_graph(3000, 6, 5));
  EXPECT_GT(measure.degree_variation, 1);
  EXPECT_NEAR(measure.reciprocity, 0.66, 0.05);
  EXPECT_GT(measure.complexity, graph_threshold);
  // And stays one where nobody asks for more than neighbours.
  EXPECT_GT(measured(social_graph(3000, 12, 5), 0.0).complexity, 0.6);
}

TEST(Network, ADenseManyToManyIsANetwork) {
  Edges skills;
  std::mt19937 random(9);
  for (int i = 0; i < 4000; ++i) skills.emplace_back(static_cast<int>(random() % 300), static_cast<int>(random() % 60));
  EXPECT_GT(measured(skills, {}, "skill").complexity, graph_threshold);
}

TEST(Network, ASmallCompleteGraphIsANetwork) {
  Edges complete;
  for (int from = 0; from < 30; ++from)
    for (int to = 0; to < 30; ++to) complete.emplace_back(from, to);
  const auto measure = measured(complete);
  EXPECT_EQ(measure.reciprocity, 1);
  EXPECT_EQ(measure.path_length, 1);
  EXPECT_GT(measure.complexity, graph_threshold);
}

TEST(Network, RepeatedReversedAndOwnEdgesCloseNoCircle) {
  const auto measure = measured({{1, 2}, {1, 2}, {2, 1}, {2, 2}, {2, 3}});
  EXPECT_EQ(measure.nodes, 3U);
  EXPECT_EQ(measure.edges, 2U);
  EXPECT_EQ(measure.cycles, 0);
}

TEST(Network, NothingMeasuresAsNothing) {
  EXPECT_EQ(measured({}).complexity, 0);
  EXPECT_EQ(measured({{1, 1}}).complexity, 0);
}

TEST(Network, OrderOfTheEdgesDoesNotMatter) {
  auto edges = random_graph(500, 3000, 11);
  const auto before = measured(edges);
  std::shuffle(edges.begin(), edges.end(), std::mt19937(2));
  const auto after = measured(edges);
  EXPECT_EQ(before.complexity, after.complexity);
  EXPECT_EQ(before.within_three_hops, after.within_three_hops);
}

TEST(Network, MoreEdgesThanAreTakenIsSaid) {
  NetworkBuilder builder(10);
  int taken = 0;
  for (std::uint64_t i = 0; i < 20; ++i) taken += builder.add(i, i + 1) ? 1 : 0;
  EXPECT_EQ(taken, 10);
  EXPECT_TRUE(std::move(builder).measure().sampled);
}

TEST(Network, EveryFigureStaysInItsRange) {
  for (unsigned seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto measure =
        measured(random_graph(1 + static_cast<int>(random() % 200), static_cast<int>(random() % 2000), seed),
                 static_cast<double>(random() % 100) / 99);
    for (const double figure :
         {measure.cycles, measure.reach, measure.spread, measure.reciprocity, measure.structure, measure.complexity}) {
      EXPECT_GE(figure, 0);
      EXPECT_LE(figure, 1);
    }
  }
}

}  // namespace
}  // namespace triune::placement
