// The links of a finished graph: what is written is what is read, and nothing else is.
#include "adapters/usearch/links.h"

#include <gtest/gtest.h>

#include <cstring>
#include <iostream>
#include <random>
#include <set>

#include "adapters/usearch/ground.h"
#include "adapters/usearch/scorer.h"

namespace triune::adapters::usearch {
namespace {

class LinksOfAGraph : public testing::Test {
 protected:
  static constexpr std::uint32_t dimension = 48;
  static constexpr Row count = 3'000;

  LinksOfAGraph() : scorer_(Metric::l2, dimension, Scalar::f16), packed_(count * scorer_.bytes()) {
    const auto seed = std::random_device{}();
    std::cout << "seed " << seed << "\n";
    std::mt19937_64 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> values(dimension);
    graph_ = Graph::make(scorer_, GraphTuning{}, count, 1).value();
    // Rows in another order than nodes.
    for (Row at = 0; at < count; ++at) {
      const Row row = at * 7 % count;
      for (float& value : values) value = normal(random);
      scorer_.pack(values, packed_.data() + row * scorer_.bytes());
      EXPECT_TRUE(graph_->add(row, vector(row)).has_value());
    }
  }

  [[nodiscard]] const std::byte* vector(Row row) const { return packed_.data() + row * scorer_.bytes(); }
  [[nodiscard]] std::vector<std::byte> written(std::span<const Links::Link> more = {}) const {
    std::vector<std::byte> bytes;
    EXPECT_TRUE(Links::write(*graph_, more, [&](std::span<const std::byte> some) -> Status {
                  bytes.insert(bytes.end(), some.begin(), some.end());
                  return {};
                }).has_value());
    return bytes;
  }

  Scorer scorer_;
  std::vector<std::byte> packed_;
  std::unique_ptr<Graph> graph_;
};

TEST_F(LinksOfAGraph, AreThoseOfTheGraphByRows) {
  const auto bytes = written();
  const auto links = Links::view(bytes, count);
  ASSERT_TRUE(links.has_value());
  ASSERT_EQ(links->size(), count);
  for (Row node = 0; node < count; ++node) {
    std::multiset<Row> expected;
    graph_->visit_links(node, 0, [&](Row neighbour) { expected.insert(graph_->rows()[neighbour]); });
    const auto found = links->of(graph_->rows()[node]);
    ASSERT_EQ(std::multiset<Row>(found.begin(), found.end()), expected);
  }
}

TEST_F(LinksOfAGraph, LeadAWalkWhereTheGraphLeadsASearch) {
  const auto bytes = written();
  const auto links = Links::view(bytes, count);
  ASSERT_TRUE(links.has_value());
  const auto all = [](Row) { return true; };
  std::size_t same = 0;
  Walk walk;
  for (Row row = 0; row < count; row += 10) {
    const KeptQuestion question(scorer_, vector(row));
    const LinkedGround ground(*links, {.rows = packed_.data(), .stride = scorer_.bytes()}, question, all);
    std::size_t scores = 0;
    const auto nearest = ground.nearest(walk, {.most = 64}, scores);
    const auto answer = graph_->search(vector(row), 5, 0, {}, 64);
    ASSERT_TRUE(answer.has_value());
    EXPECT_GT(scores, 64U);
    for (std::size_t at = 0; at < 5; ++at) same += nearest[at].node == answer->found[at].row ? 1 : 0;
  }
  EXPECT_GE(same, 5U * (count / 10) * 98 / 100) << "they begin at other places, and so end elsewhere now and then";
}

TEST_F(LinksOfAGraph, TakeMoreOnTheLowestLevel) {
  const std::vector<Links::Link> more{{.from = 3, .to = 2'999}, {.from = 3, .to = 7}, {.from = 2'500, .to = 0}};
  const auto before = written();
  const auto after = written(more);
  const auto plain = Links::view(before, count);
  const auto links = Links::view(after, count);
  ASSERT_TRUE(plain && links);
  EXPECT_EQ(links->of(3).size(), plain->of(3).size() + 2);
  EXPECT_EQ(links->of(3).back(), 7U);
  EXPECT_EQ(links->of(2'500).back(), 0U);
  EXPECT_EQ(links->of(4).size(), plain->of(4).size());
}

TEST_F(LinksOfAGraph, AreNotReadFromAnythingElse) {
  const auto bytes = written();
  EXPECT_FALSE(Links::view(bytes, count - 1).has_value());
  EXPECT_FALSE(Links::view(bytes, count + 1).has_value());
  EXPECT_FALSE(Links::view({}, 1).has_value());
  for (std::size_t size = 0; size < bytes.size(); size += 4UL * 97)
    EXPECT_FALSE(Links::view(std::span(bytes).first(size), count).has_value()) << size;
  // Whatever a number is changed to, what is read stays within bounds: each is refused, or names rows that there are.
  std::mt19937 random(5);
  for (int turn = 0; turn < 300; ++turn) {
    auto changed = bytes;
    const std::size_t at = random() % (bytes.size() / sizeof(Row)) * sizeof(Row);
    const Row value = turn % 2 == 0 ? random() : random() % count;
    std::memcpy(changed.data() + at, &value, sizeof value);
    const auto links = Links::view(changed, count);
    if (!links) continue;
    for (Row row = 0; row < count; ++row)
      for (const Row neighbour : links->of(row)) ASSERT_LT(neighbour, count);
  }
}

}  // namespace
}  // namespace triune::adapters::usearch
