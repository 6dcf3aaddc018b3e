// A collection goes over to another model while it is searched and written to.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <atomic>
#include <random>
#include <thread>

#include "integration/hive_fixture.h"
#include "triune/reembedding.h"

namespace triune {
namespace {

using ::testing::HasSubstr;

/// Counts letters from `first` on, in as many dimensions as it is told to have.
class LetterModel final : public Embedder {
 public:
  LetterModel(char first, std::uint32_t dimension, std::string version)
      : first_(first), dimension_(dimension), version_(std::move(version)) {}
  [[nodiscard]] EmbedderDescription description() const override {
    return {.model = "letters", .version = version_, .dimension = dimension_, .batch_size = 50};
  }
  Result<std::vector<std::vector<float>>> embed(std::span<const std::string> texts, std::uint32_t, Deadline) override {
    if (failing) return failure(ErrorCode::unavailable, "the model is down");
    std::vector<std::vector<float>> vectors;
    for (const auto& text : texts) {
      std::vector<float> vector(dimension_, 0.01F);
      for (const char letter : text)
        if (letter >= first_ && static_cast<std::uint32_t>(letter - first_) < dimension_)
          vector[static_cast<std::size_t>(letter - first_)] += 1;
      vectors.push_back(std::move(vector));
    }
    return vectors;
  }
  std::atomic<bool> failing{false};

 private:
  const char first_;
  const std::uint32_t dimension_;
  const std::string version_;
};

class HiveReembedding : public testing::HiveTest {
 protected:
  void SetUp() override {
    reopen();
    ASSERT_TRUE(hive_->create_collection({.name = "notes", .dimension = 3, .embedder = "small"}));
  }

  void reopen() {
    HiveOptions options;
    options.embedders.emplace("small", small_);
    options.embedders.emplace("large", large_);
    testing::HiveTest::reopen(std::move(options));
  }

  void put(const std::string& id, const std::string& text) {
    const auto receipt = hive_->commit(
        {.changes = {PutVector{.collection = "notes", .id = id, .metadata = {{"of", id}}, .text = text}}});
    ASSERT_TRUE(receipt) << receipt.error().message;
  }

  std::string nearest(const std::string& text) {
    const auto found = hive_->search({.collection = "notes", .query = EmbeddedText{text}, .count = 1});
    EXPECT_TRUE(found) << found.error().message;
    return found && !found->hits.empty() ? found->hits[0].id : "";
  }

  std::size_t dimension_of(const std::string& id) {
    const auto vector = hive_->get_vector("notes", id);
    EXPECT_TRUE(vector) << vector.error().message;
    return vector ? vector->values.size() : 0;
  }

  void make_anew(const std::string& embedder = "large") {
    Reembedding reembedding(*hive_);
    const auto begun = reembedding.begin({.collection = "notes", .embedder = embedder});
    ASSERT_TRUE(begun) << begun.error().message;
    const auto ready = reembedding.wait("notes", Deadline::after(std::chrono::minutes(2)));
    ASSERT_TRUE(ready) << ready.error().message;
    const auto finished = reembedding.finish("notes", Deadline::after(std::chrono::minutes(2)));
    ASSERT_TRUE(finished) << finished.error().message;
    wait_until_embedded();
  }

  void wait_until_embedded() {
    const std::string pending =
        "SELECT count(*) FROM triune_vector_texts t JOIN triune_collections c ON c.collection_id = t.collection_id "
        "WHERE c.name = 'notes' AND t.pending_since_ms IS NOT NULL";
    for (int i = 0; i < 900 && scalar(pending) != "0"; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ASSERT_EQ(scalar(pending), "0");
  }

  std::shared_ptr<LetterModel> small_ = std::make_shared<LetterModel>('a', 3, "1");
  std::shared_ptr<LetterModel> large_ = std::make_shared<LetterModel>('a', 26, "1");
};

TEST_F(HiveReembedding, PutsTheNewerVectorsUnderTheName) {
  put("n1", "aaa xx");
  put("n2", "aaa zz");
  make_anew();
  EXPECT_EQ(dimension_of("n1"), 26U);
  EXPECT_EQ(nearest("a zz"), "n2") << "the smaller model knows no z";
  EXPECT_EQ(hive_->get_vector("notes", "n1")->metadata, (Record{{"of", "n1"}}));
  put("n3", "qqq");
  EXPECT_EQ(nearest("q"), "n3");
  expect_verified();
  reopen();
  EXPECT_EQ(nearest("q"), "n3");
}

TEST_F(HiveReembedding, FindsTheOlderVectorsUntilTheEnd) {
  put("n1", "aaa");
  put("n2", "bbb");
  large_->failing = true;
  Reembedding reembedding(*hive_);
  ASSERT_TRUE(reembedding.begin({.collection = "notes", .embedder = "large"}));
  EXPECT_EQ(nearest("b"), "n2");
  const auto status = reembedding.status("notes");
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->vectors, 2U);
  EXPECT_EQ(status->pending, 2U);
  EXPECT_FALSE(status->ready);
  const auto early = reembedding.finish("notes", Deadline::after(std::chrono::seconds(10)));
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, ErrorCode::conflict);
  const auto tired = reembedding.wait("notes", Deadline::after(std::chrono::milliseconds(300)));
  ASSERT_FALSE(tired);
  EXPECT_EQ(tired.error().code, ErrorCode::deadline_exceeded);
  EXPECT_EQ(dimension_of("n1"), 3U);
}

TEST_F(HiveReembedding, WhatIsWrittenMeanwhileIsInBothGenerations) {
  put("kept", "kk");
  put("changed", "cc");
  put("gone", "gg");
  Reembedding reembedding(*hive_);
  ASSERT_TRUE(reembedding.begin({.collection = "notes", .embedder = "large"}));
  put("changed", "ww");
  put("new", "nn");
  ASSERT_TRUE(hive_->commit({.changes = {DeleteVector{"notes", "gone"}}}));
  make_anew();
  EXPECT_EQ(nearest("k"), "kept");
  EXPECT_EQ(nearest("w"), "changed");
  EXPECT_EQ(nearest("n"), "new");
  EXPECT_NE(nearest("g"), "gone");
  expect_verified();
}

TEST_F(HiveReembedding, GoesOnAfterTheHiveWasClosed) {
  put("n1", "zz");
  large_->failing = true;
  ASSERT_TRUE(Reembedding(*hive_).begin({.collection = "notes", .embedder = "large"}));
  reopen();
  large_->failing = false;
  make_anew();
  EXPECT_EQ(nearest("z"), "n1");
}

TEST_F(HiveReembedding, CanBeGivenUp) {
  put("n1", "aaa");
  Reembedding reembedding(*hive_);
  ASSERT_TRUE(reembedding.begin({.collection = "notes", .embedder = "large"}));
  ASSERT_TRUE(reembedding.abort("notes"));
  EXPECT_FALSE(reembedding.status("notes"));
  put("n2", "bbb");
  EXPECT_EQ(dimension_of("n2"), 3U);
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_vectors"), "2");
  expect_verified();
  make_anew();
  EXPECT_EQ(dimension_of("n2"), 26U);
}

TEST_F(HiveReembedding, WhatWasGivenUpLeavesNothingToTheNext) {
  put("n1", "aaa");
  put("n2", "bbb");
  Reembedding reembedding(*hive_);
  const auto soon = Deadline::after(std::chrono::minutes(2));
  ASSERT_TRUE(reembedding.begin({.collection = "notes", .embedder = "large"}));
  ASSERT_TRUE(reembedding.wait("notes", soon));
  const auto receipt = hive_->receipt();
  ASSERT_TRUE(receipt) << receipt.error().message;
  ASSERT_TRUE(hive_->wait({receipt->incarnation, receipt->lsn}, soon));
  const std::string newest = "SELECT max(collection_id) FROM triune_collections";
  const auto given_up = std::stoll(scalar(newest));
  ASSERT_TRUE(reembedding.abort("notes"));
  make_anew("small");
  EXPECT_GT(std::stoll(scalar(newest)), given_up) << "what processes and directories hold is by this number";
  EXPECT_EQ(dimension_of("n2"), 3U);
  EXPECT_EQ(nearest("b"), "n2");
  expect_verified();
}

TEST_F(HiveReembedding, RefusesVectorsThatNoTextWasGivenFor) {
  ASSERT_TRUE(hive_->commit({.changes = {PutVector{.collection = "notes", .id = "raw", .values = {1, 2, 3}}}}));
  const auto begun = Reembedding(*hive_).begin({.collection = "notes", .embedder = "large"});
  ASSERT_FALSE(begun);
  EXPECT_THAT(begun.error().message, HasSubstr("raw"));
}

TEST_F(HiveReembedding, DoesNotFinishWhileAVectorHasValuesAlone) {
  put("n1", "aaa");
  Reembedding reembedding(*hive_);
  ASSERT_TRUE(reembedding.begin({.collection = "notes", .embedder = "large"}));
  ASSERT_TRUE(hive_->commit({.changes = {PutVector{.collection = "notes", .id = "n1", .values = {1, 2, 3}}}}));
  ASSERT_TRUE(reembedding.wait("notes", Deadline::after(std::chrono::minutes(1))));
  const auto finished = reembedding.finish("notes", Deadline::after(std::chrono::minutes(1)));
  ASSERT_FALSE(finished);
  EXPECT_THAT(finished.error().message, HasSubstr("n1"));
  EXPECT_EQ(dimension_of("n1"), 3U);
}

TEST_F(HiveReembedding, VectorsOfTwoVersionsOfAModelAreNotMixed) {
  put("n1", "aaa");
  small_ = std::make_shared<LetterModel>('a', 3, "2");
  reopen();
  const auto refused = hive_->search({.collection = "notes", .query = EmbeddedText{"a"}, .count = 1});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("collection reembed notes"));
  const auto receipt = hive_->commit({.changes = {PutVector{.collection = "notes", .id = "n2", .text = "b"}}});
  ASSERT_TRUE(receipt) << receipt.error().message;
  EXPECT_EQ(receipt->pending_embeddings, 1U);
  Reembedding reembedding(*hive_);
  ASSERT_TRUE(reembedding.begin({.collection = "notes"}));
  ASSERT_TRUE(reembedding.wait("notes", Deadline::after(std::chrono::minutes(1))));
  ASSERT_TRUE(reembedding.finish("notes", Deadline::after(std::chrono::minutes(1))));
  wait_until_embedded();
  EXPECT_EQ(nearest("b"), "n2");
}

/// Who still knows the older collection writes to it; here by the name that it has until it goes.
TEST_F(HiveReembedding, AWriterUnderTheOlderDictionaryWritesToBothOrIsRefused) {
  put("n1", "aaa");
  make_anew();
  const auto older =
      scalar("SELECT name FROM triune_collections WHERE kind = 'vector' AND name LIKE 'notes (replaced%'");
  const std::string carried =
      "SELECT count(*) FROM triune_vector_texts t JOIN triune_collections c ON c.collection_id = t.collection_id WHERE "
      "c.name = 'notes' AND t.content = 'zz'";
  ASSERT_TRUE(hive_->commit({.changes = {PutVector{.collection = older, .id = "n2", .text = "zz"}}}));
  EXPECT_EQ(scalar(carried), "1");
  for (const auto* const id : {"n1", "n3"}) {
    const auto lost = hive_->commit({.changes = {PutVector{.collection = older, .id = id, .values = {1, 2, 3}}}});
    ASSERT_FALSE(lost) << "values of " << id << " would be in a collection that goes";
    EXPECT_EQ(lost.error().code, ErrorCode::conflict) << lost.error().message;
  }
  EXPECT_EQ(dimension_of("n1"), 26U);
  ASSERT_TRUE(hive_->commit({.changes = {DeleteVector{older, "n2"}}}));
  EXPECT_EQ(scalar(carried), "0");
  expect_verified();
}

TEST_F(HiveReembedding, LosesNothingOfWritersThatNeverStop) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(fmt::format("seed {}", seed));
  for (int i = 0; i < 300; ++i) put(fmt::format("n{}", i), "a");
  std::atomic<bool> stop{false};
  std::map<std::string, std::string> latest;
  for (int i = 0; i < 300; ++i) latest[fmt::format("n{}", i)] = "a";
  std::thread writer([&] {
    std::mt19937 random(seed);
    while (!stop) {
      const auto id = fmt::format("n{}", random() % 400);
      const auto text = std::string(1 + random() % 3, static_cast<char>('a' + random() % 26));
      const bool removes = random() % 5 == 0;
      const Change change = removes ? Change(DeleteVector{"notes", id})
                                    : Change(PutVector{.collection = "notes", .id = id, .text = text});
      if (!hive_->commit({.changes = {change}})) continue;
      if (removes)
        latest.erase(id);
      else
        latest[id] = text;
    }
  });
  Reembedding reembedding(*hive_);
  EXPECT_TRUE(reembedding.begin({.collection = "notes", .embedder = "large"}));
  Status finished = failure(ErrorCode::conflict, "not yet");
  for (int i = 0; i < 200 && !finished; ++i) {
    EXPECT_TRUE(reembedding.wait("notes", Deadline::after(std::chrono::minutes(2))));
    finished = reembedding.finish("notes", Deadline::after(std::chrono::minutes(1)));
  }
  EXPECT_TRUE(finished) << finished.error().message;
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  stop = true;
  writer.join();
  wait_until_embedded();
  EXPECT_EQ(scalar("SELECT count(*) FROM triune_stored_vectors WHERE collection = 'notes'"),
            std::to_string(latest.size()));
  for (const auto& [id, text] : latest) {
    const auto vector = hive_->get_vector("notes", id);
    ASSERT_TRUE(vector) << id << ": " << vector.error().message;
    ASSERT_EQ(vector->values.size(), 26U) << id;
    EXPECT_GT(vector->values[static_cast<std::size_t>(text[0] - 'a')], 0.5F) << id << " is " << text;
  }
  expect_verified();
}

}  // namespace
}  // namespace triune
