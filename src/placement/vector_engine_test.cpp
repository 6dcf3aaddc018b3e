#include "placement/vector_engine.h"

#include <gmock/gmock.h>

namespace triune::placement {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

const VectorCollection notes{.name = "notes", .dimension = 384};
constexpr std::uint64_t million = 1'000'000;

TEST(VectorEngine, ItsSizeGrowsWithVectorsAndDimensions) {
  EXPECT_EQ(usearch_bytes(0, 384), 0U);
  EXPECT_EQ(usearch_bytes(50'000, 384), 50'000U * (768 + 170)) << "in f16 while they are few";
  constexpr std::uint64_t body = 64U << 20U;
  EXPECT_EQ(usearch_bytes(million, 384), body + (million - body / (768 + 170)) * (256 + 84))
      << "in codes of five bits beyond";
  EXPECT_EQ(usearch_bytes(10, 16), 10U * (64 + 170)) << "small vectors are kept in f32";
}

TEST(VectorEngine, StaysInMemoryWhileItFits) {
  const auto choice = choose_vector_engine(notes, million, {.memory_allowed = 1ULL << 30U});
  EXPECT_EQ(choice.engine, "usearch");
  EXPECT_THAT(choice.reasons, ElementsAre(HasSubstr("1000000 vectors of 384 dimensions take about 383 MB")));
}

TEST(VectorEngine, GoesToDiskWhenItOutgrowsTheMemory) {
  const auto choice =
      choose_vector_engine(notes, 4 * million, {.memory_allowed = 1ULL << 30U, .lancedb_installed = true});
  EXPECT_EQ(choice.engine, "lancedb");
  EXPECT_THAT(choice.reasons, ElementsAre(HasSubstr("more than the 1074 MB allowed"),
                                          HasSubstr("`triune vectors move notes --to lancedb`")));
}

TEST(VectorEngine, SaysWhenTheOtherEngineIsNotInstalled) {
  const auto choice = choose_vector_engine(notes, 4 * million, {.memory_allowed = 1ULL << 30U});
  EXPECT_THAT(choice.reasons.back(), HasSubstr("./dev build --with lancedb"));
}

TEST(VectorEngine, WhatChangesAllTheTimeStaysWhereItIs) {
  const auto choice = choose_vector_engine(
      notes, 4 * million, {.memory_allowed = 1ULL << 30U, .changed = 2 * million, .lancedb_installed = true});
  EXPECT_EQ(choice.engine, "usearch");
  EXPECT_THAT(choice.reasons, ElementsAre(HasSubstr("2000000 of them were overwritten or deleted")));
}

TEST(VectorEngine, ComesBackOnlyWhenThereIsRoomForTwiceAsMany) {
  auto large = notes;
  large.engine = "lancedb";
  EXPECT_EQ(choose_vector_engine(large, 2 * million, {}).engine, "lancedb");
  const auto back = choose_vector_engine(large, million / 4, {});
  EXPECT_EQ(back.engine, "usearch");
  EXPECT_THAT(back.reasons.back(), HasSubstr("`triune vectors move notes --to usearch`"));
}

}  // namespace
}  // namespace triune::placement
