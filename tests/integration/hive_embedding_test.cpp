// Texts that become vectors: with the commit, or later when the embedder fails; never in silence.
#include <gmock/gmock.h>

#include <atomic>
#include <limits>
#include <thread>

#include "integration/hive_fixture.h"

namespace triune {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Counts letters, fails or refuses when told to, and refuses one text for good.
class LetterEmbedder final : public Embedder {
 public:
  [[nodiscard]] EmbedderDescription description() const override {
    return {.model = "letters", .version = "1", .dimension = 4, .batch_size = batch_size};
  }
  Result<std::vector<std::vector<float>>> embed(std::span<const std::string> texts, std::uint32_t, Deadline) override {
    const int call = ++calls;
    largest = std::max(largest.load(), texts.size());
    if (refusing) return failure(ErrorCode::invalid_argument, "this model takes no texts");
    if (texts.size() > most_in_time) return failure(ErrorCode::deadline_exceeded, "that would take too long");
    if (failing || call > calls_before_failing) return failure(ErrorCode::unavailable, "the model is down");
    std::vector<std::vector<float>> vectors;
    for (const auto& text : texts) {
      if (text == "poison") return failure(ErrorCode::invalid_argument, "nobody can embed this");
      std::vector<float> vector{0.01F, 0, 0, 0};
      for (const char letter : text)
        if (letter >= 'a' && letter <= 'd') vector[static_cast<std::size_t>(letter - 'a')] += 1;
      vectors.push_back(std::move(vector));
    }
    embedded += static_cast<int>(vectors.size());
    return vectors;
  }

  std::atomic<std::size_t> batch_size{3};
  std::atomic<std::size_t> most_in_time{1'000};
  std::atomic<bool> failing{false};
  std::atomic<bool> refusing{false};
  std::atomic<int> calls_before_failing{std::numeric_limits<int>::max()};
  std::atomic<int> calls{0};
  std::atomic<int> embedded{0};  ///< Texts.
  std::atomic<std::size_t> largest{0};
};

class HiveEmbedding : public testing::HiveTest {
 protected:
  void SetUp() override {
    reopen();
    ASSERT_TRUE(hive_->create_collection({.name = "notes", .dimension = 4, .embedder = "letters"}));
  }

  void reopen() {
    HiveOptions options;
    options.embedders.emplace("letters", model_);
    testing::HiveTest::reopen(std::move(options));
  }

  static Change note(std::string id, std::string text) {
    return PutVector{.collection = "notes", .id = std::move(id), .text = std::move(text)};
  }

  std::vector<std::string> nearest(const std::string& text, std::size_t count = 1) {
    const auto found = hive_->search({.collection = "notes", .query = EmbeddedText{text}, .count = count});
    EXPECT_TRUE(found) << found.error().message;
    std::vector<std::string> ids;
    if (found)
      for (const auto& hit : found->hits) ids.push_back(hit.id);
    return ids;
  }

  std::uint64_t pending() {
    const auto found = hive_->search({.collection = "notes", .query = std::vector<float>{1, 0, 0, 0}, .count = 1});
    EXPECT_TRUE(found) << found.error().message;
    return found ? found->pending : 0;
  }

  /// Until nothing is pending; the first attempt comes a second after the failure.
  void wait_until_embedded() {
    for (int i = 0; i < 300 && pending() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ASSERT_EQ(pending(), 0U);
  }

  std::shared_ptr<LetterEmbedder> model_ = std::make_shared<LetterEmbedder>();
};

TEST_F(HiveEmbedding, EmbedsTheTextsOfACommitInBatchesAndFindsThemByText) {
  std::vector<Change> changes;
  for (const char letter : {'a', 'b', 'c', 'd'})
    changes.push_back(note(std::string("n_") + letter, std::string(3, letter)));
  const auto receipt = commit(std::move(changes));
  EXPECT_EQ(receipt.pending_embeddings, 0U);
  EXPECT_EQ(receipt.changes, 4U);
  EXPECT_EQ(model_->largest.load(), 3U);
  EXPECT_THAT(nearest("cc"), ElementsAre("n_c"));
  EXPECT_EQ(hive_->get_vector("notes", "n_b")->values, (std::vector<float>{0.01F, 3, 0, 0}));
  const auto rows = hive_->sql("SELECT id FROM vector_search('notes', 'dddd', 1)");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(to_text(rows->rows.at(0).at(0)), "n_d");
  expect_verified();
}

TEST_F(HiveEmbedding, ATextWhoseEmbedderFailsIsCommittedAndToldAndEmbeddedLater) {
  model_->failing = true;
  const auto receipt = commit({PutNode{{"Agent", "ada"}, {}}, note("n1", "aaa")});
  EXPECT_EQ(receipt.pending_embeddings, 1U);
  EXPECT_TRUE(hive_->get_node({"Agent", "ada"}));
  EXPECT_EQ(pending(), 1U);
  const auto status = hive_->status();
  ASSERT_TRUE(status) << status.error().message;
  ASSERT_EQ(status->embeddings.size(), 1U);
  EXPECT_EQ(status->embeddings[0].pending, 1U);
  EXPECT_THAT(status->embeddings[0].last_error, HasSubstr("the model is down"));
  EXPECT_THAT(hive_->search({.collection = "notes", .query = EmbeddedText{"a"}}).error().message,
              HasSubstr("the model is down"));
  model_->failing = false;
  wait_until_embedded();
  EXPECT_THAT(nearest("a"), ElementsAre("n1"));
  expect_verified();
}

TEST_F(HiveEmbedding, WhileANewTextIsPendingTheOldOneIsNotFound) {
  commit({note("n1", "aaa"), note("n2", "ddd")});
  model_->failing = true;
  commit({note("n1", "bbb")});
  const auto found = hive_->search({.collection = "notes", .query = std::vector<float>{1, 0, 0, 0}, .count = 5});
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->hits.size(), 1U);
  EXPECT_EQ(found->hits[0].id, "n2");
  expect_verified();
  model_->failing = false;
  wait_until_embedded();
  EXPECT_THAT(nearest("b"), ElementsAre("n1"));
}

TEST_F(HiveEmbedding, PendingTextsOutliveTheProcess) {
  model_->failing = true;
  commit({note("n1", "ccc")});
  hive_.reset();
  model_->failing = false;
  reopen();
  wait_until_embedded();
  EXPECT_THAT(nearest("c"), ElementsAre("n1"));
}

TEST_F(HiveEmbedding, ATextNobodyCanEmbedHoldsNoOtherBack) {
  model_->failing = true;
  commit({note("n1", "poison"), note("n2", "bbb"), note("n3", "ddd")});
  EXPECT_EQ(pending(), 3U);
  model_->failing = false;
  for (int i = 0; i < 300 && pending() > 1; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(pending(), 1U);
  EXPECT_THAT(nearest("b"), ElementsAre("n2"));
  std::string told;
  for (int i = 0; i < 300 && told.find("nobody can embed this") == std::string::npos; ++i) {
    told = hive_->status()->embeddings.at(0).last_error;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  EXPECT_THAT(told, HasSubstr("nobody can embed this"));
  // Another text under the id, or its end, ends the matter.
  commit({DeleteVector{"notes", "n1"}});
  EXPECT_EQ(pending(), 0U);
}

TEST_F(HiveEmbedding, WhatWasEmbeddedBeforeAFailureIsKept) {
  model_->calls_before_failing = 1;
  const auto receipt = commit({note("n1", "a"), note("n2", "b"), note("n3", "c"), note("n4", "d"), note("n5", "dd")});
  EXPECT_EQ(receipt.pending_embeddings, 2U) << "the second batch";
  EXPECT_EQ(hive_->get_vector("notes", "n2")->values, (std::vector<float>{0.01F, 1, 0, 0}));
  model_->calls_before_failing = std::numeric_limits<int>::max();
  wait_until_embedded();
  EXPECT_EQ(model_->embedded, 5) << "each text once";
  expect_verified();
}

TEST_F(HiveEmbedding, RefusedTextsAreFoundInFewCalls) {
  model_->batch_size = 128;
  std::vector<Change> changes;
  for (int at = 0; at < 128; ++at)
    changes.push_back(note("n" + std::to_string(at), at == 40 || at == 100 ? "poison" : "abc"));
  EXPECT_EQ(commit(std::move(changes)).pending_embeddings, 128U);
  for (int i = 0; i < 100 && pending() > 2; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(pending(), 2U);
  EXPECT_LE(model_->calls, 100) << "one by one it would be 128 and more";
}

TEST_F(HiveEmbedding, ASlowModelIsAskedForLessAtATime) {
  model_->batch_size = 128;
  model_->most_in_time = 2;
  std::vector<Change> changes;
  for (int at = 0; at < 20; ++at) changes.push_back(note("n" + std::to_string(at), "abc"));
  EXPECT_EQ(commit(std::move(changes)).pending_embeddings, 20U);
  wait_until_embedded();
}

TEST_F(HiveEmbedding, AnEmbedderThatRefusesAllIsLeftAloneForAWhile) {
  model_->batch_size = 128;
  model_->refusing = true;
  std::vector<Change> changes;
  for (int at = 0; at < 128; ++at) changes.push_back(note("n" + std::to_string(at), "abc"));
  EXPECT_EQ(commit(std::move(changes)).pending_embeddings, 128U);
  std::this_thread::sleep_for(std::chrono::milliseconds(400));
  EXPECT_GT(model_->calls, 1);
  EXPECT_LE(model_->calls, 100) << "to the last text it would be 255";
  model_->refusing = false;
  wait_until_embedded();
}

TEST_F(HiveEmbedding, ACommitSentAgainUnderItsKeyIsTheSameCommit) {
  const Commit once{.changes = {note("n1", "aaa")}, .idempotency_key = "k1"};
  const auto first = hive_->commit(once);
  const auto again = hive_->commit(once);
  ASSERT_TRUE(first && again);
  EXPECT_TRUE(again->replayed);
  const auto other = hive_->commit({.changes = {note("n1", "bbb")}, .idempotency_key = "k1"});
  EXPECT_EQ(other.error().code, ErrorCode::conflict);
}

TEST_F(HiveEmbedding, LoadsEmbedTextsToo) {
  int number = 0;
  const auto receipt = hive_->load_vectors("notes", [&](PutVector& vector) -> Result<bool> {
    if (number == 40) return false;
    vector.id = "n" + std::to_string(number);
    vector.text = std::string(static_cast<std::size_t>(1 + number / 4), static_cast<char>('a' + number % 4));
    ++number;
    return true;
  });
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(scalar("SELECT count(*) FROM vector_search('notes', '[0,0,1,0]', 100)"), "40");
  EXPECT_EQ(pending(), 0U);
}

TEST_F(HiveEmbedding, RefusesWhatCouldNeverBeEmbedded) {
  EXPECT_THAT(hive_->create_collection({.name = "x", .dimension = 4, .embedder = "nobody"}).error().message,
              HasSubstr("hashing"));
  EXPECT_THAT(hive_->create_collection({.name = "x", .dimension = 5, .embedder = "letters"}).error().message,
              HasSubstr("dimension 4"));
  ASSERT_TRUE(hive_->create_collection({.name = "plain", .dimension = 4}));
  EXPECT_THAT(refused({PutVector{.collection = "plain", .id = "p", .text = "aa"}}).message, HasSubstr("no embedder"));
  EXPECT_THAT(hive_->search({.collection = "plain", .query = EmbeddedText{"a"}}).error().message,
              HasSubstr("no embedder"));
  EXPECT_EQ(hive_->create_collection({.name = "notes", .dimension = 4}).error().code, ErrorCode::conflict);
}

TEST_F(HiveEmbedding, TheHashingEmbedderNeedsNothing) {
  ASSERT_TRUE(hive_->create_collection({.name = "texts", .dimension = 256, .embedder = "hashing"}));
  commit({PutVector{.collection = "texts", .id = "t1", .text = "the parser fails on empty input"},
          PutVector{.collection = "texts", .id = "t2", .text = "quarterly revenue grew in Norway"}});
  const auto rows = hive_->sql("SELECT id FROM vector_search('texts', 'why do parsers fail?', 1)");
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(to_text(rows->rows.at(0).at(0)), "t1");
}

}  // namespace
}  // namespace triune
