#include "adapters/hashing/hashing_embedder.h"

#include <gtest/gtest.h>

#include <cmath>

namespace triune::adapters::hashing {
namespace {

std::vector<std::vector<float>> embed(const std::vector<std::string>& texts, std::uint32_t dimension = 256) {
  return *HashingEmbedder().embed(texts, dimension, Deadline::never());
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0;
  for (std::size_t i = 0; i < a.size(); ++i) dot += static_cast<double>(a[i]) * b[i];
  return dot;
}

TEST(HashingEmbedder, MakesVectorsOfLengthOneOfAnyText) {
  for (const auto& vector : embed({"one two", "", "!?", "日本語", std::string(10'000, 'a')}, 64)) {
    ASSERT_EQ(vector.size(), 64U);
    EXPECT_NEAR(cosine(vector, vector), 1, 1e-5);
  }
}

TEST(HashingEmbedder, MakesTheSameVectorWhateverTheCaseAndTheSpaces) {
  const auto vectors = embed({"Review the parser", "review  THE\nparser!"});
  EXPECT_EQ(vectors[0], vectors[1]);
}

TEST(HashingEmbedder, PutsSharedWordsAndSharedPartsNearerThanStrangers) {
  const auto vectors = embed(
      {"the parser fails on empty input", "empty inputs make the parser fail", "quarterly revenue grew in Norway"});
  EXPECT_GT(cosine(vectors[0], vectors[1]), 0.5);
  EXPECT_LT(std::abs(cosine(vectors[0], vectors[2])), 0.3);
  EXPECT_GT(cosine(vectors[0], vectors[1]), cosine(vectors[0], vectors[2]) + 0.3);
}

}  // namespace
}  // namespace triune::adapters::hashing
