#include "projection/generations.h"

#include <gtest/gtest.h>

#include <fstream>

#include "triune/ids.h"

namespace triune::projection {
namespace {

class GenerationsTest : public ::testing::Test {
 protected:
  ~GenerationsTest() override {
    std::error_code code;
    std::filesystem::remove_all(root_, code);
  }
  std::filesystem::path root_ = std::filesystem::temp_directory_path() / ("triune-test-" + new_id());
  Generations generations_{root_, "usearch"};
};

TEST_F(GenerationsTest, ThereIsNoneBeforeTheFirstIsPublished) {
  EXPECT_FALSE(generations_.current().value().has_value());
  const auto first = generations_.begin().value();
  EXPECT_FALSE(generations_.current().value().has_value());
  ASSERT_TRUE(generations_.publish(first));
  EXPECT_EQ(generations_.current().value().value(), first);
}

TEST_F(GenerationsTest, AnUnfinishedRebuildIsRemovedByTheNext) {
  const auto first = generations_.begin().value();
  ASSERT_TRUE(generations_.publish(first));
  const auto unfinished = generations_.begin().value();
  EXPECT_NE(unfinished, first);
  const auto next = generations_.begin().value();
  EXPECT_TRUE(std::filesystem::exists(first));
  EXPECT_EQ(generations_.current().value().value(), first);
  ASSERT_TRUE(generations_.publish(next));
  ASSERT_TRUE(generations_.remove_others());
  EXPECT_FALSE(std::filesystem::exists(first));
}

TEST_F(GenerationsTest, QuarantineKeepsTheLastTwoWithTheirReason) {
  for (int i = 0; i < 4; ++i) {
    ASSERT_TRUE(generations_.publish(generations_.begin().value()));
    ASSERT_TRUE(generations_.quarantine("reason " + std::to_string(i)));
    EXPECT_FALSE(generations_.current().value().has_value());
  }
  std::size_t kept = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root_ / "quarantine")) {
    ++kept;
    std::ifstream reason(entry.path() / "REASON");
    std::string text;
    std::getline(reason, text);
    EXPECT_TRUE(text == "reason 2" || text == "reason 3") << text;
  }
  EXPECT_EQ(kept, 2U);
}

TEST_F(GenerationsTest, WhatAnotherEngineWroteIsNone) {
  ASSERT_TRUE(generations_.publish(generations_.begin().value()));
  Generations other(root_, "lancedb");
  EXPECT_FALSE(other.current().value().has_value());
  EXPECT_TRUE(generations_.current().value().has_value());
}

TEST_F(GenerationsTest, OneFromBeforeEnginesWereNamedIsInUse) {
  std::filesystem::create_directories(root_ / "gen-000004");
  ASSERT_TRUE(generations_.publish(root_ / "gen-000004"));
  EXPECT_EQ(generations_.current().value().value(), root_ / "gen-000004");
  EXPECT_EQ(generations_.begin().value(), root_ / "gen-000005-usearch");
}

TEST_F(GenerationsTest, APointerToNowhereIsNone) {
  ASSERT_TRUE(generations_.publish(generations_.begin().value()));
  std::ofstream(root_ / "CURRENT") << "../../etc";
  EXPECT_FALSE(generations_.current().value().has_value());
  std::ofstream(root_ / "CURRENT") << "gen-000099";
  EXPECT_FALSE(generations_.current().value().has_value());
}

}  // namespace
}  // namespace triune::projection
