#include "runtime/profiles.h"

#include <gtest/gtest.h>

#include <functional>

namespace triune::runtime {
namespace {

TEST(Profiles, HaveTheSizesOfTheirEnvironments) {
  const auto total = [](Environment environment) {
    const auto profile = profile_of(environment);
    return profile.readers + profile.writers;
  };
  EXPECT_EQ(total(Environment::development), 7U);
  EXPECT_EQ(total(Environment::staging), 20U);
  EXPECT_EQ(total(Environment::production), 45U);
}

TEST(Profiles, AreParsedByTheirNamesAndSound) {
  for (const auto environment : {Environment::development, Environment::staging, Environment::production}) {
    const auto parsed = parse_environment(to_string(environment));
    ASSERT_TRUE(parsed);
    EXPECT_EQ(*parsed, environment);
    EXPECT_TRUE(check(profile_of(environment)));
  }
  const auto unknown = parse_environment("prod");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, ErrorCode::invalid_argument);
  EXPECT_NE(unknown.error().message.find("development, staging or production"), std::string::npos);
}

TEST(Profiles, BoundsThatMakeNoSenseAreNamed) {
  struct Case {
    std::function<void(PoolProfile&)> spoil;
    const char* named;
  };
  const Case cases[] = {
      {[](auto& profile) { profile.readers = 0; }, "readers is 0"},
      {[](auto& profile) { profile.writers = 1'001; }, "writers is 1001"},
      {[](auto& profile) { profile.pool.smallest = 16; }, "smallest size is 16, but must be 0 to 15"},
      {[](auto& profile) { profile.pool.queue = 0; }, "queue is 0"},
      {[](auto& profile) { profile.pool.lifetime = std::chrono::milliseconds(0); }, "lifetime"},
      {[](auto& profile) { profile.pool.leak_after = std::chrono::milliseconds(-1); }, "leak_after"},
      {[](auto& profile) { profile.pool.idle_timeout = std::chrono::milliseconds::max(); }, "idle_timeout"},
      {[](auto& profile) { profile.pool.connect_timeout = std::chrono::milliseconds(0); }, "connect_timeout"},
  };
  for (const auto& each : cases) {
    auto profile = profile_of(Environment::production);
    each.spoil(profile);
    contract::EngineOptions options;
    const auto applied = apply(profile, options);
    ASSERT_FALSE(applied) << each.named;
    EXPECT_EQ(applied.error().code, ErrorCode::invalid_argument);
    EXPECT_NE(applied.error().message.find(each.named), std::string::npos) << applied.error().message;
    EXPECT_FALSE(options.make_pool) << "nothing is set";
  }
}

TEST(Profiles, CanBeChangedBeforeTheyAreApplied) {
  auto profile = profile_of(Environment::staging);
  profile.readers = 8;
  contract::EngineOptions options;
  ASSERT_TRUE(apply(profile, options));
  EXPECT_EQ(options.readers, 8U);
  EXPECT_EQ(options.writers, 5U);
  EXPECT_EQ(options.pool.smallest, 2U);
  EXPECT_TRUE(options.make_pool);
}

}  // namespace
}  // namespace triune::runtime
