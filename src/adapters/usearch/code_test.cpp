// Codes, the kernels over them, and questions asked of them.
#include "adapters/usearch/code.h"

#include <gtest/gtest.h>

#include <cmath>
#include <iostream>
#include <random>

#include "adapters/usearch/scorer.h"

namespace triune::adapters::usearch {
namespace {

std::mt19937_64 seeded() {
  const auto seed = std::random_device{}();
  std::cout << "seed " << seed << "\n";
  return std::mt19937_64(seed);
}

TEST(CodeKernels, EveryProcessorComputesWhatTheValuesSay) {
  auto random = seeded();
  const auto between = [&](int least, int most) {
    return least + static_cast<int>(random() % static_cast<unsigned>(most - least + 1));
  };
  for (const std::size_t dimension : {1, 2, 7, 63, 64, 65, 100, 127, 128, 129, 255, 384, 1'000, 8'192}) {
    const CodeShape shape(dimension);
    constexpr std::size_t count = 7;
    std::vector<std::vector<std::int32_t>> values(count, std::vector<std::int32_t>(dimension));
    std::vector<std::vector<std::byte>> codes(count, std::vector<std::byte>(shape.bytes()));
    std::vector<const std::byte*> places;
    for (std::size_t each = 0; each < count; ++each) {
      for (std::size_t at = 0; at < dimension; ++at) {
        values[each][at] = between(CodeShape::smallest_value, CodeShape::largest_value);
        shape.put(codes[each].data(), at, values[each][at]);
      }
      places.push_back(codes[each].data());
    }
    std::vector<std::int32_t> asked(dimension);
    std::vector<std::int8_t> query(shape.query_values());
    for (std::size_t at = 0; at < dimension; ++at) {
      asked[at] = between(-127, 127);
      query[shape.place_in_query(at)] = static_cast<std::int8_t>(asked[at]);
    }
    for (auto level = 0; level <= static_cast<int>(best_instructions()); ++level) {
      const auto instructions = static_cast<Instructions>(level);
      std::vector<std::int32_t> products(count);
      code_products(shape, query, places, products.data(), instructions);
      for (std::size_t each = 0; each < count; ++each) {
        std::int32_t of_query = 0;
        std::int32_t of_first = 0;
        for (std::size_t at = 0; at < dimension; ++at) {
          of_query += asked[at] * (values[each][at] - CodeShape::smallest_value);
          of_first += values[0][at] * values[each][at];
        }
        ASSERT_EQ(products[each], of_query) << dimension << " values, instructions " << level;
        ASSERT_EQ(code_product(shape, places[0], places[each], instructions), of_first)
            << dimension << " values, instructions " << level;
      }
    }
  }
}

TEST(Code, OrdersAsTheDistancesOfWhatItStandsFor) {
  auto random = seeded();
  std::normal_distribution<float> normal;
  for (const std::uint32_t dimension : {64U, 100U, 384U, 1'000U})
    for (const auto metric : {Metric::cosine, Metric::l2, Metric::dot}) {
      std::vector<std::vector<float>> vectors(200, std::vector<float>(dimension));
      std::vector<float> mean(dimension);
      for (auto& vector : vectors) {
        // Far from zero, and of very different spread: what a scale for all dimensions alike would lose.
        for (std::size_t at = 0; at < dimension; ++at) vector[at] = 3 + normal(random) * (at % 17 == 0 ? 8.0F : 1.0F);
        if (metric == Metric::cosine) scale_to_one(vector);
        for (std::size_t at = 0; at < dimension; ++at) mean[at] += vector[at] / 200;
      }
      const Code code(metric, mean);
      EXPECT_LE(code.bytes(), dimension * 5 / 8 + 12);
      const Scorer exact(metric, dimension, Scalar::f32);
      const auto pack = [&](const std::vector<float>& vector) {
        std::vector<std::byte> packed(exact.bytes());
        exact.pack(vector, packed.data());
        return packed;
      };
      std::vector<std::vector<std::byte>> codes(vectors.size(), std::vector<std::byte>(code.bytes()));
      for (std::size_t at = 0; at < vectors.size(); ++at) code.encode(vectors[at], codes[at].data());
      double squares = 0;
      double errors = 0;
      double sum = 0;
      double error_sum = 0;
      for (std::size_t at = 1; at < vectors.size(); ++at) {
        const double true_score = exact.score(pack(vectors[0]).data(), pack(vectors[at]).data());
        // For cosine the code's score is the squared distance, twice the distance.
        const double wanted = metric == Metric::cosine ? 2 * (1 + true_score) : true_score;
        const double error = code.score(codes[0].data(), codes[at].data()) - wanted;
        squares += wanted * wanted;
        sum += wanted;
        errors += error * error;
        error_sum += error;
      }
      const double count = 199;
      const double spread = squares / count - std::pow(sum / count, 2);
      const double noise = errors / count - std::pow(error_sum / count, 2);
      EXPECT_LT(noise, 0.03 * spread) << dimension << to_string(metric);
      if (metric == Metric::dot) continue;
      EXPECT_NEAR(code.score(codes[3].data(), codes[3].data()), 0, 1e-6 * squares);
    }
}

TEST(Code, ZerosAreAtCosineDistanceOneOfEverything) {
  const Code code(Metric::cosine, std::vector<float>(64, 0.01F));
  std::vector<float> values(64, 1.0F / 8);
  std::vector<std::byte> some(code.bytes());
  std::vector<std::byte> zero(code.bytes());
  code.encode(values, some.data());
  code.encode(std::vector<float>(64), zero.data());
  EXPECT_NEAR(code.score(zero.data(), some.data()), 2, 0.3);
  EXPECT_NEAR(code.score(zero.data(), zero.data()), 2, 0.01);
  const Code at_zero(Metric::l2, std::vector<float>(64));
  at_zero.encode(std::vector<float>(64), zero.data());
  EXPECT_EQ(at_zero.score(zero.data(), zero.data()), 0) << "no scale at all";
}

TEST(Code, QuestionsAreNearerToTheTruthThanCodesAre) {
  auto random = seeded();
  std::normal_distribution<float> normal;
  constexpr std::uint32_t dimension = 200;
  // Not by inner product, where most of the error is the kept vector's, along the vector itself.
  for (const auto metric : {Metric::cosine, Metric::l2}) {
    std::vector<std::vector<float>> vectors(400, std::vector<float>(dimension));
    for (auto& vector : vectors) {
      // Around the first, as those are among which a search must tell.
      const bool is_first = &vector == vectors.data();
      for (std::size_t at = 0; at < dimension; ++at)
        vector[at] = is_first ? normal(random) : vectors[0][at] + 0.4F * normal(random);
      if (metric == Metric::cosine) scale_to_one(vector);
    }
    const Code code(metric, std::vector<float>(dimension, 0.01F));
    const auto truth = [&](std::size_t at) {
      double squares = 0;
      for (std::size_t each = 0; each < dimension; ++each)
        squares += std::pow(static_cast<double>(vectors[0][each]) - vectors[at][each], 2);
      return squares;
    };
    const auto question = code.ask(vectors[0]);
    std::vector<std::byte> asked(code.bytes());
    code.encode(vectors[0], asked.data());
    // What all errors have in common moves nobody past another.
    struct Errors {
      double sum = 0;
      double squares = 0;
      void add(double error) {
        sum += error;
        squares += error * error;
      }
      [[nodiscard]] double spread(double count) const { return squares / count - std::pow(sum / count, 2); }
    };
    Errors by_question;
    Errors by_code;
    for (std::size_t at = 1; at < vectors.size(); ++at) {
      std::vector<std::byte> kept(code.bytes());
      code.encode(vectors[at], kept.data());
      const std::byte* const place = kept.data();
      float score = 0;
      question->score_all(std::span(&place, 1), std::span(&score, 1));
      by_question.add(score - truth(at));
      by_code.add(code.score(asked.data(), place) - truth(at));
    }
    EXPECT_LT(by_question.spread(399), 0.8 * by_code.spread(399)) << to_string(metric);
  }
}

}  // namespace
}  // namespace triune::adapters::usearch
