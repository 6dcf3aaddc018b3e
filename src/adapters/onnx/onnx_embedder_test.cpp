// With the real library and the real model all-MiniLM-L6-v2, which `./dev test --with onnx` fetches; without them these
// tests are skipped, and with TRIUNE_TEST_WITH=onnx their absence is a failure.
#include "adapters/onnx/onnx_embedder.h"

#include <gmock/gmock.h>

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace triune::adapters::onnx {
namespace {

using ::testing::HasSubstr;

namespace fs = std::filesystem;

fs::path model_folder() {
  return cache_folder() / "models" / "all-minilm-l6-v2";
}

double cosine(const std::vector<float>& a, const std::vector<float>& b) {
  double dot = 0;
  for (std::size_t i = 0; i < a.size(); ++i) dot += static_cast<double>(a[i]) * b[i];
  return dot;
}

class OnnxEmbedderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* const with = std::getenv("TRIUNE_TEST_WITH");
    const bool is_required = with != nullptr && std::string_view(with).find("onnx") != std::string_view::npos;
    if (!fs::exists(model_folder()) && !is_required) GTEST_SKIP() << "./dev test --with onnx fetches the model";
    const auto opened = OnnxEmbedder::open(model_folder());
    ASSERT_TRUE(opened) << opened.error().message;
    model_ = *opened;
  }

  std::vector<std::vector<float>> embed(const std::vector<std::string>& texts) {
    const auto vectors = model_->embed(texts, 0, Deadline::never());
    EXPECT_TRUE(vectors) << vectors.error().message;
    return vectors ? *vectors : std::vector<std::vector<float>>(texts.size());
  }

  std::shared_ptr<Embedder> model_;
};

TEST_F(OnnxEmbedderTest, SaysWhatItIs) {
  const auto description = model_->description();
  EXPECT_EQ(description.model, "all-minilm-l6-v2");
  EXPECT_EQ(description.dimension, 384U);
  EXPECT_EQ(description.token_limit, 128U);
  EXPECT_EQ(description.version.size(), 16U);
}

TEST_F(OnnxEmbedderTest, PutsWhatMeansTheSameNearEachOther) {
  const auto vectors = embed({"How do I reset my password?", "I forgot my login credentials and cannot sign in",
                              "The recipe needs two cups of flour", "¿Cómo cambio mi contraseña?"});
  EXPECT_GT(cosine(vectors[0], vectors[1]), 0.45);
  EXPECT_LT(cosine(vectors[0], vectors[2]), 0.2);
  for (const auto& vector : vectors) EXPECT_NEAR(cosine(vector, vector), 1, 1e-5);
}

TEST_F(OnnxEmbedderTest, ATextsVectorHardlyDependsOnItsNeighbours) {
  const std::string text = "a short text";
  const auto alone = embed({text})[0];
  std::vector<std::string> many(40, "much longer text that the short one is padded to, with many more words in it");
  many[17] = text;
  // The model's weights are 8 bits, scaled for each batch.
  EXPECT_GT(cosine(alone, embed(many)[17]), 0.99);
}

TEST_F(OnnxEmbedderTest, TakesAnyText) {
  for (const auto& vector :
       embed({"", "   ", "\x01\xFF", "日本語のテキスト", std::string(200'000, 'x'), "👩‍👩‍👧"}))
    for (const float value : vector) ASSERT_TRUE(std::isfinite(value));
}

TEST_F(OnnxEmbedderTest, AnswersManyThreadsAlike) {
  const auto expected = embed({"threads agree"})[0];
  std::vector<std::thread> threads;
  std::vector<double> likeness(4);
  for (auto& one : likeness) threads.emplace_back([&] { one = cosine(expected, embed({"threads agree"})[0]); });
  for (auto& thread : threads) thread.join();
  for (const double one : likeness) EXPECT_NEAR(one, 1, 1e-5);
}

TEST_F(OnnxEmbedderTest, StopsAtTheDeadline) {
  const std::vector<std::string> texts(4, "late");
  const auto vectors = model_->embed(texts, 0, Deadline::after(std::chrono::milliseconds(0)));
  ASSERT_FALSE(vectors);
  EXPECT_EQ(vectors.error().code, ErrorCode::deadline_exceeded);
}

TEST(OnnxEmbedder, SaysWhatIsMissingOrBroken) {
  const auto nothing = OnnxEmbedder::open("/nonexistent/model");
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code, ErrorCode::not_found);
  EXPECT_THAT(nothing.error().message, HasSubstr("./dev build --with onnx"));

  const auto folder = fs::temp_directory_path() / ("triune-onnx-" + std::to_string(::getpid()));
  fs::create_directories(folder);
  std::ofstream(folder / "model.onnx") << "no model";
  const auto alone = OnnxEmbedder::open(folder);
  ASSERT_FALSE(alone);
  EXPECT_THAT(alone.error().message, HasSubstr("tokenizer.json"));
  std::ofstream(folder / "vocab.txt") << "[PAD]\n[UNK]\n[CLS]\n[SEP]\n";
  const auto broken = OnnxEmbedder::open(folder);
  ASSERT_FALSE(broken);
  EXPECT_THAT(broken.error().message, HasSubstr("onnx"));
  fs::remove_all(folder);
}

}  // namespace
}  // namespace triune::adapters::onnx
