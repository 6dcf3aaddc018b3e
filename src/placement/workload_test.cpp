#include "placement/workload.h"

#include <gtest/gtest.h>

namespace triune::placement {
namespace {

std::string as_it_is(std::string_view text) {
  return std::string(text);
}

TEST(Workload, CountsByShapeAndPutsTheMostTimeFirst) {
  Workload workload;
  const auto same = [](std::string_view) { return std::string("SELECT ?"); };
  for (int i = 0; i < 10; ++i) workload.record("SELECT " + std::to_string(i), 5, 2, same);
  workload.record("slow", 9000, 1, as_it_is);
  const auto shapes = workload.shapes();
  ASSERT_EQ(shapes.size(), 2U);
  EXPECT_EQ(shapes[0].shape, "slow");
  EXPECT_EQ(shapes[1].calls, 10U);
  EXPECT_EQ(shapes[1].rows, 20U);
  EXPECT_EQ(workload.statements(), 11U);
  EXPECT_GT(workload.since_ms(), 0);
}

TEST(Workload, ATextSeenLatelyIsNotLookedAtAgain) {
  Workload workload;
  int looked = 0;
  for (int i = 0; i < 100; ++i)
    workload.record("SELECT 1", 5, 1, [&looked](std::string_view) {
      ++looked;
      return std::string("SELECT ?");
    });
  EXPECT_EQ(looked, 1);
  EXPECT_EQ(workload.shapes()[0].calls, 100U);
}

TEST(Workload, IsBounded) {
  Workload workload;
  for (std::size_t i = 0; i < 20 * Workload::most_shapes; ++i) workload.record(std::to_string(i), 1, 1, as_it_is);
  EXPECT_EQ(workload.shapes().size(), Workload::most_shapes);
  workload.record(std::string(Workload::longest_shape + 1, 'x'), 1e9, 1, as_it_is);
  workload.record("in doubt", 1e9, 1, [](std::string_view) { return std::string(); });
  EXPECT_EQ(workload.shapes().size(), Workload::most_shapes);
  EXPECT_LT(workload.shapes()[0].latencies.median(), 10) << "neither was recorded";
}

TEST(Workload, IsTheSameAfterBeingWrittenAndRead) {
  Workload workload;
  for (int i = 0; i < 50; ++i) workload.record("SELECT\ta\\n" + std::to_string(i % 7), 10 * i, 3, as_it_is);
  Workload again;
  ASSERT_TRUE(again.restore(workload.save()));
  EXPECT_EQ(again.save(), workload.save());
  EXPECT_EQ(again.statements(), 50U);
  const auto saved = workload.save();
  for (const auto& damaged : {std::string(), std::string("1\t2\t3"), saved + "half", saved.substr(0, saved.size() - 4)})
    if (const auto read = again.restore(damaged); !read) {
      EXPECT_EQ(again.statements(), 50U) << "nothing is taken of what is damaged";
    }
  EXPECT_FALSE(again.restore(saved + "half\n"));
}

}  // namespace
}  // namespace triune::placement
