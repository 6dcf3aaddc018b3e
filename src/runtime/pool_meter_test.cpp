#include "runtime/pool_meter.h"

#include <gtest/gtest.h>

namespace triune::runtime {
namespace {

using namespace std::chrono_literals;

TEST(WaitReservoir, HasPercentilesOfTheLastWaitsOnly) {
  WaitReservoir waits;
  EXPECT_EQ(waits.percentile(50), 0U);
  for (int i = 0; i < 5'000; ++i) waits.add(1h);
  for (int i = 1; i <= 1024; ++i) waits.add(std::chrono::microseconds(i));
  EXPECT_NEAR(static_cast<double>(waits.percentile(50)), 512, 1);
  EXPECT_NEAR(static_cast<double>(waits.percentile(99)), 1014, 1);
  EXPECT_EQ(waits.percentile(100), 1024U);
}

class UtilisationMeterTest : public testing::Test {
 protected:
  const UtilisationMeter::Clock::time_point start_ = UtilisationMeter::Clock::now();
  UtilisationMeter meter_{start_};
};

TEST_F(UtilisationMeterTest, AveragesSinceTheBeginningWithinTheFirstMinute) {
  meter_.change(4, start_);
  meter_.change(0, start_ + 2500ms);
  EXPECT_NEAR(meter_.average(start_ + 5s), 2, 1e-6);
  EXPECT_NEAR(meter_.average(start_ + 10s), 1, 1e-6);
}

TEST_F(UtilisationMeterTest, ForgetsWhatIsOlderThanAMinute) {
  meter_.change(8, start_);
  meter_.change(2, start_ + 90s);
  EXPECT_NEAR(meter_.average(start_ + 90s), 8, 1e-6);
  EXPECT_NEAR(meter_.average(start_ + 200s), 2, 1e-6);
  EXPECT_NEAR(meter_.average(start_ + 10'000s), 2, 1e-6);
}

TEST_F(UtilisationMeterTest, BeginsAtWhatIsLent) {
  meter_.change(3, start_);
  EXPECT_NEAR(meter_.average(start_), 3, 1e-6);
}

}  // namespace
}  // namespace triune::runtime
