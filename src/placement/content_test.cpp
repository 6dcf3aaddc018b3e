#include "placement/content.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace triune::placement {
namespace {

using Cells = std::vector<Value>;

template <class Float>
Bytes blob(const std::vector<Float>& numbers) {
  Bytes bytes(numbers.size() * sizeof(Float));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  return bytes;
}

Bytes noise(std::size_t size, unsigned seed) {
  std::mt19937 random(seed);
  Bytes bytes(size);
  for (auto& each : bytes) each = static_cast<std::byte>(random());
  return bytes;
}

TEST(Content, VectorsAreAsManyNumbersInEachCell) {
  const Cells cells{std::string("[0.5,0,0,0,0,0,0,0.5]"), std::string(" [1,0.25,0,0,0,0,0,0]\n"), Null{}};
  const auto content = vectors_in(cells);
  EXPECT_EQ(content.form, VectorContent::Form::json);
  EXPECT_EQ(content.dimension, 8U);
  EXPECT_EQ(content.vectors, 2U);
  EXPECT_NEAR(content.smallest_norm, 0.7071, 1e-3);
}

TEST(Content, OtherListsAreNoVectors) {
  for (const auto* cell :
       {"[1,2,3,4,5,6,7,8,9]", "[0.5,0.5]", "[0.5,\"a\",1,1,1,1,1,1]", "0.5,0.5,0.5,0.5,0.5,0.5,0.5,0.5", "[]", ""})
    EXPECT_EQ(vectors_in(Cells{std::string(cell)}).form, VectorContent::Form::none) << cell;
  Cells various;
  for (int length = 8; length < 20; ++length) {
    std::string json = "[0.5";
    for (int i = 1; i < length; ++i) json += ",0.5";
    various.emplace_back(json + "]");
  }
  EXPECT_EQ(vectors_in(various).form, VectorContent::Form::none);
}

TEST(Content, BlobsOfFloatsAreVectorsAndHashesAreNot) {
  EXPECT_EQ(vectors_in(Cells{blob(std::vector<float>(16, 0.25F))}).form, VectorContent::Form::float32);
  EXPECT_EQ(vectors_in(Cells{blob(std::vector<double>(16, 0.1))}).form, VectorContent::Form::float64);
  EXPECT_EQ(vectors_in(Cells{blob(std::vector<float>(16, 0.0F))}).form, VectorContent::Form::none);
  Cells hashes;
  for (unsigned seed = 0; seed < 50; ++seed) hashes.emplace_back(noise(32, seed));
  EXPECT_EQ(vectors_in(hashes).form, VectorContent::Form::none);
}

TEST(Content, ListsOfKeysHaveElements) {
  EXPECT_EQ(list_elements(std::string("[1, 2,3]"), true), (Cells{std::int64_t{1}, std::int64_t{2}, std::int64_t{3}}));
  EXPECT_EQ(list_elements(std::string(R"(["a,b","c\"]"])"), true), (Cells{std::string("a,b"), std::string("c\"]")}));
  EXPECT_EQ(list_elements(std::string("7, x-1;9"), false),
            (Cells{std::string("7"), std::string("x-1"), std::string("9")}));
  for (const auto* cell : {"[1.5]", "[[1]]", "{\"a\":1}", "[1,", "[null]", "1,2"})
    EXPECT_TRUE(list_elements(std::string(cell), true).empty()) << cell;
  for (const auto* cell : {"a sentence, with commas", "a,,b", "[1,2]", ""})
    EXPECT_TRUE(list_elements(std::string(cell), false).empty()) << cell;
}

TEST(Content, AColumnOfListsHasSeveralElementsSomewhere) {
  EXPECT_TRUE(holds_lists(Cells{std::string("[1]"), std::string("[1,2]"), std::string("[]"), std::string("")}, true));
  EXPECT_FALSE(holds_lists(Cells{std::string("[1]"), std::string("[2]")}, true));
  EXPECT_FALSE(holds_lists(Cells{std::string("red"), std::string("blue")}, false));
  EXPECT_FALSE(holds_lists({}, true));
}

TEST(Content, AnyBytesAreTakenWithoutHarm) {
  for (unsigned seed = 0; seed < 2000; ++seed) {
    const auto bytes = noise(seed % 70, seed);
    std::string text;
    for (const auto each : bytes) text += "[]{},\"\\ 1.-e;a"[std::to_integer<unsigned>(each) % 14];
    const Cells cells{Value(bytes), Value(text)};
    vectors_in(cells);
    list_elements(cells[1], true);
    list_elements(cells[1], false);
    holds_lists(cells, true);
  }
}

}  // namespace
}  // namespace triune::placement
