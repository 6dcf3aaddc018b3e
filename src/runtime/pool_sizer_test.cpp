#include "runtime/pool_sizer.h"

#include <gtest/gtest.h>

namespace triune::runtime {
namespace {

const auto start = PoolSizer::Clock::now();

TEST(PoolSizer, BeginsAtTheUnquestionedSizeWithinItsBounds) {
  EXPECT_EQ(PoolSizer(0, 30, start).target(), 4U);
  EXPECT_EQ(PoolSizer(10, 30, start).target(), 10U);
  EXPECT_EQ(PoolSizer(0, 2, start).target(), 2U);
}

TEST(PoolSizer, GrowsByOneUpToTheLargest) {
  PoolSizer sizer(0, 6, start);
  for (const auto target : {5U, 6U, 6U}) {
    sizer.grow();
    EXPECT_EQ(sizer.target(), target);
  }
}

TEST(PoolSizer, ShrinksByAQuarterInEachIdlePeriodDownToTheFloor) {
  PoolSizer sizer(0, 16, start);
  for (int i = 0; i < 12; ++i) sizer.grow();
  auto now = start;
  for (const auto target : {12U, 9U, 7U, 6U, 5U, 4U, 4U}) {
    now += PoolSizer::period;
    sizer.tick(0, now);
    EXPECT_EQ(sizer.target(), target);
  }
  EXPECT_TRUE(sizer.at_floor());
}

TEST(PoolSizer, KeepsWhatWasLentAtOnceWithinThePeriod) {
  PoolSizer sizer(0, 16, start);
  for (int i = 0; i < 12; ++i) sizer.grow();
  sizer.active(15);
  sizer.active(1);
  sizer.tick(14, start + PoolSizer::period);
  EXPECT_EQ(sizer.target(), 15U);
  sizer.tick(0, start + 2 * PoolSizer::period);
  EXPECT_EQ(sizer.target(), 14U) << "those lent when the period began count";
}

TEST(PoolSizer, DoesNotShrinkWithinAPeriod) {
  PoolSizer sizer(0, 16, start);
  sizer.grow();
  sizer.tick(0, start + PoolSizer::period / 2);
  EXPECT_EQ(sizer.target(), 5U);
}

}  // namespace
}  // namespace triune::runtime
