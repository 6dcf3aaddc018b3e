#include "adapters/usearch/walk.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <set>

#include "adapters/usearch/huge_pages.h"

namespace triune::adapters::usearch {
namespace {

/// Places on a line, each linked with the next ones on either side.
struct Line {
  static constexpr bool only_admitted = false;
  Row places = 0;
  float wanted = 0;
  std::function<bool(Row)> admitted = [](Row) { return true; };

  [[nodiscard]] std::size_t size() const { return places; }
  [[nodiscard]] float score(Row node) const { return std::abs(static_cast<float>(node) - wanted); }
  void measure(std::span<const Row> nodes, std::span<float> scores) const {
    std::ranges::transform(nodes, scores.begin(), [this](Row node) { return score(node); });
  }
  [[nodiscard]] bool admits(Row node) const { return admitted(node); }
  template <class Visit>
  void visit_links(Row node, const Visit& visit) const {
    for (Row step = 1; step <= 3; ++step) {
      if (node >= step) visit(node - step);
      if (node + step < places) visit(node + step);
    }
  }
  void hint_vector(Row /*node*/) const {}
  void hint_links(Row /*node*/) const {}
};

std::vector<Row> nodes_of(const std::vector<Walk::Node>& found) {
  std::vector<Row> nodes;
  for (const auto& each : found) nodes.push_back(each.node);
  return nodes;
}

Walk::Node at(const Line& line, Row node) {
  return {line.score(node), node};
}

TEST(Walk, LeadsToTheNearestInTheirOrder) {
  const Line line{.places = 1'000, .wanted = 700.1F};
  Walk walk;
  EXPECT_EQ(nodes_of(walk.run(line, at(line, 5), {.most = 4})), (std::vector<Row>{700, 701, 699, 702}));
  EXPECT_LT(walk.scores(), 1'000U) << "it ends when nothing nearer is left";
}

TEST(Walk, GoesOverNodesThatAreNotAdmitted) {
  Line line{.places = 1'000, .wanted = 500};
  line.admitted = [](Row node) { return node % 100 == 7; };
  Walk walk;
  EXPECT_EQ(nodes_of(walk.run(line, at(line, 0), {.most = 3})), (std::vector<Row>{507, 407, 607}));
}

TEST(Walk, FindsAllWhereFewerAreThanAreKept) {
  Line line{.places = 50, .wanted = 10};
  line.admitted = [](Row node) { return node < 2; };
  Walk walk;
  EXPECT_EQ(nodes_of(walk.run(line, at(line, 40), {.most = 10})), (std::vector<Row>{1, 0}));
}

TEST(Walk, KeepsFewBeyondABound) {
  const Line line{.places = 1'000, .wanted = 700.1F};
  Walk walk;
  // Within 3 of 700.1 are 698 to 703; beyond it no more are kept than must be.
  EXPECT_EQ(walk.run(line, at(line, 5), {.most = 40, .least = 2, .bound = 3}).size(), 6U);
  EXPECT_EQ(walk.run(line, at(line, 5), {.most = 40, .least = 8, .bound = 3}).size(), 8U);
  EXPECT_EQ(walk.run(line, at(line, 5), {.most = 4, .least = 2, .bound = 3}).size(), 4U);
  EXPECT_EQ(nodes_of(walk.run(line, at(line, 5), {.most = 40, .least = 1, .bound = 0})), (std::vector<Row>{700}))
      << "it comes near before the bound means anything";
}

TEST(Walk, ForgetsWhatEarlierWalksMet) {
  Walk walk;
  for (int turn = 0; turn < 1'000; ++turn) {
    const Line line{.places = turn % 2 == 0 ? 300U : 200U, .wanted = 150.2F};
    ASSERT_EQ(nodes_of(walk.run(line, at(line, 10), {.most = 2})), (std::vector<Row>{150, 151})) << turn;
  }
}

TEST(SlabAllocator, GivesPiecesThatDoNotOverlap) {
  SlabAllocator allocator;
  SlabAllocator copy = allocator;
  constexpr std::size_t small = 138;
  std::vector<char*> pieces;
  for (int each = 0; each < 100'000; ++each) {
    pieces.push_back((each % 2 == 0 ? allocator : copy).allocate(small));
    std::memset(pieces.back(), each % 100, small);
  }
  char* const large = copy.allocate(2 * slab_bytes);
  std::memset(large, 101, 2 * slab_bytes);
  for (int each = 0; each < 100'000; ++each) {
    ASSERT_EQ(pieces[static_cast<std::size_t>(each)][0], each % 100);
    ASSERT_EQ(pieces[static_cast<std::size_t>(each)][small - 1], each % 100);
  }
}

}  // namespace
}  // namespace triune::adapters::usearch
